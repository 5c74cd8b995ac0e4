"""Mixed S3 traffic that remembers what was acknowledged, and the judgement of what a restarted node shows.

Every writer has keys of its own, so that for each key exactly one history is right: what was acknowledged last, or,
when the node died under a request, that or what the request would have made of it.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

KIB = 1024
PART = 5 * KIB * KIB
KEYS = 12  # keys of one writer


@dataclass(frozen=True, slots=True)
class State:
    """What a key holds: the SHA-256 and size of its bytes and the metadata stored with them."""

    digest: str
    size: int
    label: str


@dataclass(slots=True)
class History:
    """What may be seen of one key. `pending` is what a request without an answer would leave (None: nothing)."""

    acknowledged: State | None = None
    unanswered: bool = False
    pending: State | None = None

    def allows(self, seen: State | None) -> bool:
        return seen == self.acknowledged or (self.unanswered and seen == self.pending)

    def settle(self, seen: State | None) -> None:
        self.acknowledged, self.unanswered, self.pending = seen, False, None


def state_of(body: bytes, label: str) -> State:
    return State(hashlib.sha256(body).hexdigest(), len(body), label)


@dataclass(slots=True)
class Unfinished:
    """An upload and those of its parts that were acknowledged."""

    named: dict[str, str]  # bucket, key and upload
    label: str
    parts: list[dict[str, Any]] = field(default_factory=list)  # as the completing request names them
    body: bytes = b""


@dataclass(slots=True)
class Writer:
    """One client and its keys. `run` sends requests until told to stop, or until one is not answered or refused."""

    name: str
    s3: Any
    bucket: str
    chance: random.Random
    histories: dict[str, History] = field(default_factory=dict)
    acknowledged: int = 0
    unfinished: Unfinished | None = None
    refusals: list[str] = field(default_factory=list)  # of requests that a node which answers must grant

    def run(self, stop: Event) -> None:
        actions: list[Callable[[], None]] = [self.put, self.put, self.put, self.copy, self.delete, self.multipart]
        while not stop.is_set():
            try:
                self.chance.choice(actions)()
            except BotoCoreError:
                return
            except ClientError as error:
                self.refusals.append(f"{self.name} was refused what its history allows: {error}")
                return

    def key(self) -> str:
        return f"{self.name}/key {self.chance.randrange(KEYS):02d}"

    def body(self) -> bytes:
        size = self.chance.choice([0, 100, 4 * KIB, 30 * KIB, 40 * KIB, 300 * KIB, 3 * KIB * KIB])
        return self.chance.randbytes(size)

    def label(self) -> str:
        return f"{self.chance.randrange(16**8):08x}"

    def attempt(self, key: str, outcome: State | None, send: Callable[[], object]) -> None:
        history = self.histories.setdefault(key, History())
        history.unanswered, history.pending = True, outcome
        send()
        history.settle(outcome)
        self.acknowledged += 1

    def put(self) -> None:
        key, body, label = self.key(), self.body(), self.label()
        self.attempt(
            key,
            state_of(body, label),
            lambda: self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, Metadata={"label": label}),
        )

    def copy(self) -> None:
        source, key = self.key(), self.key()
        history = self.histories.get(source)
        if history is None or history.acknowledged is None or source == key:
            return
        named = {"Bucket": self.bucket, "Key": source}
        self.attempt(
            key,
            history.acknowledged,
            lambda: self.s3.copy_object(Bucket=self.bucket, Key=key, CopySource=named),
        )

    def delete(self) -> None:
        key = self.key()
        self.attempt(key, None, lambda: self.s3.delete_object(Bucket=self.bucket, Key=key))

    def multipart(self) -> None:
        key, label = self.key(), self.label()
        named = {"Bucket": self.bucket, "Key": key}
        upload = self.s3.create_multipart_upload(**named, Metadata={"label": label})["UploadId"]
        self.unfinished = begun = Unfinished({**named, "UploadId": upload}, label)
        for number, size in enumerate((PART, self.chance.randrange(1, PART)), 1):
            body = self.chance.randbytes(size)
            etag = self.s3.upload_part(**begun.named, PartNumber=number, Body=body)["ETag"]
            begun.parts.append({"PartNumber": number, "ETag": etag})
            begun.body += body
        self.unfinished = None
        if self.chance.random() < 0.2:
            self.s3.abort_multipart_upload(**begun.named)
        else:
            self.complete(begun)

    def complete(self, upload: Unfinished) -> None:
        self.attempt(
            upload.named["Key"],
            state_of(upload.body, upload.label),
            lambda: self.s3.complete_multipart_upload(**upload.named, MultipartUpload={"Parts": upload.parts}),
        )

    def resume(self) -> list[str]:
        """Complete the upload that the node's death interrupted, of the parts that were acknowledged; what is wrong."""
        upload, self.unfinished = self.unfinished, None
        if upload is None or not upload.parts:
            return []
        try:
            self.complete(upload)
        except ClientError as error:
            return [f"{upload.named['Key']}: acknowledged parts cannot be completed: {error}"]
        return []


def seen(s3: Any, bucket: str, key: str) -> State | None:
    """What a whole GET of the key shows."""
    try:
        answer = s3.get_object(Bucket=bucket, Key=key)
    except s3.exceptions.NoSuchKey:
        return None
    return state_of(answer["Body"].read(), answer["Metadata"].get("label", ""))


def listed(s3: Any, bucket: str) -> dict[str, int]:
    """Sizes by key, from a listing."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", [])}


def verdicts(s3: Any, bucket: str, writer: Writer) -> list[str]:
    """What the writer's keys show and their histories do not allow; settles the histories on what is shown."""
    found = []
    for key, history in writer.histories.items():
        shown = seen(s3, bucket, key)
        if not history.allows(shown):
            found.append(f"{key}: shows {shown}, acknowledged {history.acknowledged}, pending {history.pending}")
        history.settle(shown)
    return found


def faults(s3: Any, bucket: str, writers: list[Writer]) -> list[str]:
    """Everything that a restarted node shows and no history allows; settles the histories on what it shows."""
    found = [refusal for writer in writers for refusal in writer.refusals]
    present: dict[str, int] = {}
    for writer in writers:
        found += verdicts(s3, bucket, writer)
        if writer.unfinished is not None:
            found += writer.resume() + verdicts(s3, bucket, writer)
        present.update({key: one.acknowledged.size for key, one in writer.histories.items() if one.acknowledged})
    listing = listed(s3, bucket)
    if listing != present:
        found.append(f"the listing differs from the objects: {sorted(listing.items() ^ present.items())[:6]}")
    return found
