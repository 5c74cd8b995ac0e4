"""Buckets that limit their requests, through both doors."""

from __future__ import annotations

import pytest
import requests
from botocore.exceptions import ClientError

from storage.errors import TooManyRequests
from storage.pace import Pace
from storage.properties import BURST, INTERVAL, LIMITED, TOKENS
from storage.records import Bucket
from tests.node import Node

SECOND = 10**9
SLOW = Bucket(1, "slow", "alice", 0, properties={LIMITED: True, INTERVAL: 10 * SECOND, TOKENS: 10, BURST: 4})


class Clock:
    def __init__(self) -> None:
        self.now = 5 * SECOND

    def __call__(self) -> int:
        return self.now


def admitted(pace: Pace, bucket: Bucket, tries: int) -> int:
    count = 0
    for _ in range(tries):
        try:
            pace.admit(bucket)
            count += 1
        except TooManyRequests as error:
            assert error.bucket == bucket.name and error.seconds >= 1
    return count


def test_a_burst_is_let_through_and_then_one_in_its_time() -> None:
    clock = Clock()
    pace = Pace(1, clock=clock)
    assert admitted(pace, SLOW, 20) == 4
    clock.now += SECOND
    assert admitted(pace, SLOW, 20) == 1
    clock.now += 100 * SECOND
    assert admitted(pace, SLOW, 20) == 4


def test_each_process_has_an_equal_part() -> None:
    clock = Clock()
    pace = Pace(2, clock=clock)
    assert admitted(pace, SLOW, 20) == 2
    clock.now += 2 * SECOND
    assert admitted(pace, SLOW, 20) == 1


def test_other_buckets_are_not_limited() -> None:
    pace = Pace(1, clock=Clock())
    assert admitted(pace, Bucket(2, "fast", "alice", 0), 1000) == 1000
    assert admitted(pace, SLOW, 20) == 4


def test_both_doors_tell_clients_to_slow_down(node: Node) -> None:
    s3, session = node.client(), requests.Session()
    session.headers["Authorization"] = f"Bearer {node.token}"
    s3.create_bucket(Bucket="paced")
    s3.put_object(Bucket="paced", Key="o", Body=b"data")
    limit = {"enabled": True, "interval": "1h", "max_tokens": 8, "burst_size": 4}
    message = {"action": "set-bprops", "value": {"rate_limit": {"frontend": limit}}}
    assert session.patch(f"{node.endpoint}/v1/buckets/paced", json=message, timeout=10).status_code == 200
    url = f"{node.endpoint}/v1/objects/paced/o"
    replies = [session.get(url, timeout=10) for _ in range(12)]
    refused = [reply for reply in replies if reply.status_code == 429]
    assert 8 <= len(refused) < 12 and all(reply.status_code in (200, 429) for reply in replies)
    assert int(refused[0].headers["Retry-After"]) > 60
    assert "limits its requests" in refused[0].json()["message"]
    with pytest.raises(ClientError) as slow:
        for _ in range(12):
            s3.head_object(Bucket="paced", Key="o")
    assert slow.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    with pytest.raises(ClientError, match="SlowDown"):
        for _ in range(5):
            s3.get_object(Bucket="paced", Key="o")
