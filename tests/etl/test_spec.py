from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from etl.errors import InvalidSpec, UnsupportedSpec
from etl.spec import TransformSpec, from_json, from_yaml, messages


def spec(**fields: Any) -> TransformSpec:
    return from_json(json.dumps({"name": "my-etl", "runtime": {"image": "img"}, **fields}).encode())


def refusal(body: bytes) -> str:
    with pytest.raises(InvalidSpec) as caught:
        from_json(body)
    return caught.value.message


def test_what_is_left_out_gets_the_documented_defaults() -> None:
    assert spec().message() == {
        "name": "my-etl",
        "communication": "hpush://",
        "init_timeout": "5m",
        "obj_timeout": "45s",
        "support_direct_put": False,
        "runtime": {"image": "img"},
    }


def test_the_message_of_the_sdk_is_shown_as_it_was_sent() -> None:
    sent = {
        "name": "my-etl", "communication": "hpush://", "init_timeout": "90s", "obj_timeout": "1m",
        "support_direct_put": True,
        "runtime": {"image": "aistorage/transformer_md5:latest", "command": ["uvicorn", "a:b", "--port", "8000"],
                    "env": [{"name": "AR", "value": "16000"}, {"name": "EMPTY", "value": ""}]},
        "env": [{"name": "LATE", "value": "1"}], "resources": {"limits": {"cpu": "2", "memory": "1Gi"}},
    }
    assert json.loads(json.dumps(from_json(json.dumps(sent).encode()).message())) == sent


def test_unknown_fields_are_ignored() -> None:
    assert spec(argument="fqn", code="x", chunk_size=3) == spec()


@pytest.mark.parametrize("given", ["hpush", "hpush://", "", None])
def test_communication_is_taken_with_and_without_slashes(given: str | None) -> None:
    assert spec(communication=given).communication == "hpush://"


@pytest.mark.parametrize("given", ["io", "io://", "hrev://", "HPUSH", "hpush:/"])
def test_an_unknown_communication_is_refused_by_name(given: str) -> None:
    with pytest.raises(InvalidSpec, match=f'unknown comm-type "{given}"'):
        spec(communication=given)


@pytest.mark.parametrize("given", ["hpush", "hpull", "ws"])
def test_a_communication_may_be_given_with_or_without_slashes(given: str) -> None:
    assert spec(communication=given, support_direct_put=True).communication == f"{given}://"
    assert spec(communication=f"{given}://", support_direct_put=True).communication == f"{given}://"


@pytest.mark.parametrize(
    ("values", "expected"), [([], False), (["true"], True), (["TRUE"], True), (["false"], False), (["1", "no"], False)]
)
def test_the_last_word_of_the_environment_decides_on_file_names(values: list[str], expected: bool) -> None:
    made = spec(env=[{"name": "ETL_DIRECT_FQN", "value": value} for value in values])
    assert made.file_names is expected


def test_websocket_needs_direct_put() -> None:
    with pytest.raises(InvalidSpec, match="WebSocket without direct put"):
        spec(communication="ws://")


@pytest.mark.parametrize("given", ["", "0s", "0", None])
def test_a_timeout_of_nought_is_the_default(given: str | None) -> None:
    assert (spec(init_timeout=given).init_timeout, spec(obj_timeout=given).obj_timeout) == ("5m", "45s")


def test_timeouts_are_durations() -> None:
    assert spec(init_timeout="1m30s").init_seconds == 90
    assert spec(obj_timeout="500ms").object_seconds == 0.5
    for wrong in ("5", "soon", "-1s", 5):
        with pytest.raises(InvalidSpec, match="invalid etl.InitMsg: ETLSpecMsg error: .*InitSpecMsg error"):
            spec(init_timeout=wrong)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "is empty"),
        ("short", "is too short"),
        ("a" * 33, "is too long"),
        ("My-transform", "is invalid: can only contain [a-z0-9-]"),
        ("my_transform", "is invalid: can only contain [a-z0-9-]"),
        ("my-transform\n", "is invalid: can only contain [a-z0-9-]"),
        ("-my-etl", "is invalid: must begin and end with [a-z0-9]"),
        ("my-etl-", "is invalid: must begin and end with [a-z0-9]"),
    ],
)
def test_names_that_aistore_or_its_sdk_refuse_are_refused(name: str, reason: str) -> None:
    message = refusal(json.dumps({"name": name, "runtime": {"image": "img"}}).encode())
    assert message == f'ETL name "{name}" {reason}'


def test_names_of_six_to_32_characters_are_taken() -> None:
    assert spec(name="abc-12").name == "abc-12"
    assert spec(name="a" * 32).name == "a" * 32


@pytest.mark.parametrize("runtime", [{}, {"image": ""}, {"command": ["x"]}])
def test_an_image_is_needed(runtime: dict[str, Any]) -> None:
    with pytest.raises(InvalidSpec, match="runtime.image must be specified"):
        spec(runtime=runtime)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b'{"name": 5}', b'{"name": "my-etl", "runtime": "python"}',
                                  b'{"name":"my-etl","runtime":{"image":"i","command":"uvicorn"}}'])
def test_what_is_no_init_message_is_refused_as_such(body: bytes) -> None:
    assert refusal(body).startswith("invalid etl.InitMsg: ETLSpecMsg error: ")


@pytest.mark.parametrize(
    "runtime",
    [
        {"image": "i", "command": ["a\0b"]},
        {"image": "i", "env": [{"name": "", "value": "x"}]},
        {"image": "i", "env": [{"name": "A=B", "value": "x"}]},
        {"image": "i", "env": [{"name": "A", "value": "x\0"}]},
    ],
)
def test_what_no_process_can_be_given_is_refused(runtime: dict[str, Any]) -> None:
    with pytest.raises(InvalidSpec, match="ETLSpecMsg error"):
        spec(runtime=runtime)


def test_a_pod_spec_is_not_supported_yet() -> None:
    with pytest.raises(UnsupportedSpec, match="Pod specs are not supported yet"):
        from_json(b'{"name": "my-etl", "communication": "hpush://", "spec": "YXBpVmVyc2lvbjogdjE="}')


def test_yaml_of_several_documents_defines_several_transforms() -> None:
    text = """
name: first-etl
runtime:
  image: one
  command: ["python", "server.py"]
  env:
    - {name: AR, value: "16000"}
argument: fqn
---
name: second-etl
communication: hpush
obj_timeout: 10s
runtime: {image: two}
---
"""
    first, second = from_yaml(text)
    assert (first.name, first.runtime.command) == ("first-etl", ("python", "server.py"))
    assert first.runtime.env[0].value == "16000"
    assert (second.name, second.obj_timeout, second.communication) == ("second-etl", "10s", "hpush://")


@pytest.mark.parametrize("text", ["", "---\n", "just text", "- a\n- b\n", "a: [", "a: !!python/object:os.system {}"])
def test_yaml_that_defines_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidSpec):
        from_yaml(text)


@pytest.mark.parametrize(("image", "place"), [(".", "/specs/md5"), ("./code", "/specs/md5/code"), ("../a", "/specs/a")])
def test_a_relative_image_lies_beside_the_spec(image: str, place: str) -> None:
    (message,) = messages(f"name: my-etl\nruntime: {{image: {image}}}", directory=Path("/specs/md5"))
    assert message["runtime"]["image"] == place


@pytest.mark.parametrize("image", ["aistorage/transformer_md5:latest", "/opt/md5", ".hidden"])
def test_other_images_stay_what_they_are(image: str) -> None:
    (message,) = messages(f"name: my-etl\nruntime: {{image: {image}}}", directory=Path("/specs"))
    assert message["runtime"]["image"] == image
