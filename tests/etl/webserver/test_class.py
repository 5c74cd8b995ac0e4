"""What a class is told when it is made, and what it must have."""

from __future__ import annotations

import logging

import pytest

from etl.webserver.base_etl_server import ETLServer
from etl.webserver.errors import InvalidPipeline
from etl.webserver.http_multi_threaded_server import HTTPMultiThreadedServer
from etl.webserver.pipeline import compose_etl_direct_put_url, parse_etl_pipeline

TARGET = "http://127.0.0.1:8080/v1/etl/_object/name/secret"


class Upper(HTTPMultiThreadedServer):
    def transform(self, data: bytes | str, path: str, etl_args: str) -> bytes:
        return str(data).upper().encode()


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIS_TARGET_URL", TARGET)
    monkeypatch.delenv("PORT", raising=False)


def test_a_server_without_a_node_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIS_TARGET_URL")
    with pytest.raises(EnvironmentError, match="AIS_TARGET_URL"):
        Upper()


def test_a_class_that_transforms_nothing_is_refused() -> None:
    class Nothing(HTTPMultiThreadedServer):
        pass

    with pytest.raises(TypeError, match="must override either"):
        Nothing()


def test_transform_goes_before_transform_stream() -> None:
    class Both(Upper):
        transform_stream = Upper.transform  # type: ignore[assignment]

    assert not Both().use_streaming


def test_the_environment_is_there_to_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"DIRECT_PUT": "true", "ETL_DIRECT_FQN": "on", "AIS_DIRECT_PUT_RETRIES": "5"}.items():
        monkeypatch.setenv(name, value)
    made = Upper()
    assert (made.host_target, made.direct_put, made.direct_fqn, made.direct_put_retries) == (TARGET, True, True, 5)
    assert isinstance(made, ETLServer) and isinstance(made.logger, logging.Logger)


@pytest.mark.parametrize(
    ("target", "host"),
    [(TARGET, "127.0.0.1"), ("http://localhost:1", "127.0.0.1"), ("http://[::1]:1", "127.0.0.1"),
     ("http://10.0.0.1:1", "0.0.0.0"), ("https://node.example", "0.0.0.0")],
)
def test_only_those_who_must_can_reach_a_server(monkeypatch: pytest.MonkeyPatch, target: str, host: str) -> None:
    monkeypatch.setenv("AIS_TARGET_URL", target)
    assert (Upper().host, Upper().port) == (host, 8000)


def test_an_author_s_own_address_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "4321")
    assert Upper().port == 4321
    assert (Upper("::", 1234).host, Upper("::", 1234).port) == ("::", 1234)


@pytest.mark.parametrize(
    ("text", "stages"),
    [("", ("", "")), ("  ", ("", "")), ("http://a:1", ("http://a:1", "")),
     ("http://a:1 , http://b:2/x?y=1,http://c", ("http://a:1", "http://b:2/x?y=1,http://c"))],
)
def test_the_next_stage_is_the_first_of_the_list(text: str, stages: tuple[str, str]) -> None:
    assert parse_etl_pipeline(text) == stages


def test_a_list_of_stages_has_no_gaps() -> None:
    with pytest.raises(InvalidPipeline):
        parse_etl_pipeline("http://a,")


@pytest.mark.parametrize(
    ("stage", "arguments", "url"),
    [
        ("http://b:2", "", "http://b:2/bucket/a%20%3F%25/../b"),
        ("http://b:2", "x y", "http://b:2/bucket/a%20%3F%25/../b?etl_args=x+y"),
        (
            "http://n:9/ais%2F@%23%2Fd%2Fo?owt=3&uuid=", "",
            "http://n:9/v1/etl/_object/name/secret/ais%2F@%23%2Fd%2Fo?owt=3&uuid=",
        ),
        (
            "http://n:9/o?etl_args=old&uuid=", "new",
            "http://n:9/v1/etl/_object/name/secret/o?uuid=&etl_args=new",
        ),
    ],
)
def test_results_go_below_the_secret_or_to_a_stage(stage: str, arguments: str, url: str) -> None:
    assert compose_etl_direct_put_url(stage, TARGET, "bucket/a ?%/../b", arguments) == url
