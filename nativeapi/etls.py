"""Transforms under /v1/etl: defined, started, stopped, looked at, deleted; with the ADMIN right."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from etl.records import ObjectError
from etl.spec import from_json
from etl.transforms import View
from nativeapi.call import EMPTY, Call, Reply, json_reply, text_reply
from nativeapi.errors import NativeError
from nativeapi.native import Native, method_not_allowed
from storage import rights
from storage.jobs import NoSuchJob

Handler = Callable[[Native, Call, str], Reply]


def init(native: Native, call: Call, _name: str) -> Reply:
    """Answers when the transform is Running, with its job's id."""
    return text_reply(native.transforms.init(from_json(call.body())))


def list_transforms(native: Native, _call: Call, _name: str) -> Reply:
    return json_reply([summary(view) for view in native.transforms.list()])


def summary(view: View) -> dict[str, Any]:
    return {
        "id": view.transform.name,
        "stage": str(view.transform.stage),
        "xaction_id": view.transform.job,
        "obj_count": view.activity.objects,
        "in_bytes": view.activity.in_bytes,
        "out_bytes": view.activity.out_bytes,
    }


def view(native: Native, call: Call, name: str) -> Reply:
    """The definition with its defaults filled in, and the latest errors where there are any.

    With `uuid` the errors of that job are asked for; those of requests belong to the transform's own.
    """
    found = native.transforms.view(name)
    details: dict[str, Any] = {"init_msg": found.transform.spec.message()}
    job = call.query.get("uuid", "")
    errors = found.activity.errors if job in ("", found.transform.job) else errors_of(native, job)
    if errors:
        details["obj_errors"] = [
            {"obj_name": error.object, "msg": error.message, "ecode": error.status} for error in errors
        ]
    return json_reply(details)


def errors_of(native: Native, job: str) -> Sequence[ObjectError]:
    """The objects that a job has failed on, the latest of them; none when nobody knows the job."""
    try:
        found = native.jobs.get(job)
    except NoSuchJob:
        return ()
    bucket = found.definition.bucket
    return [ObjectError(f"ais://{bucket}/{one.object}", one.message, one.status) for one in found.state.errors]


def delete(native: Native, _call: Call, name: str) -> Reply:
    native.transforms.delete(name)
    return EMPTY


def start(native: Native, _call: Call, name: str) -> Reply:
    return text_reply(native.transforms.start(name))


def stop(native: Native, _call: Call, name: str) -> Reply:
    native.transforms.stop(name)
    return EMPTY


def logs(native: Native, call: Call, name: str) -> Reply:
    target = native.nodes.target
    asked = call.items()[3:]
    if asked and asked != [target]:
        raise NativeError(400, f'unknown target "{asked[0]}"')
    return json_reply([{"target_id": target, "logs": b64encode(native.transforms.logs(name)).decode()}])


def health(native: Native, _call: Call, name: str) -> Reply:
    return json_reply([{"target_id": native.nodes.target, "health_status": native.transforms.health(name)}])


@dataclass(frozen=True, slots=True)
class EtlRoute:
    """A row: a method and the path after /v1/etl, where `*` stands for a name."""

    method: str
    path: tuple[str, ...]
    operation: str
    handler: Handler


ROUTES = (
    EtlRoute("PUT", (), "InitEtl", init),
    EtlRoute("GET", (), "ListEtls", list_transforms),
    EtlRoute("GET", ("*",), "ViewEtl", view),
    EtlRoute("DELETE", ("*",), "DeleteEtl", delete),
    EtlRoute("POST", ("*", "start"), "StartEtl", start),
    EtlRoute("POST", ("*", "stop"), "StopEtl", stop),
    EtlRoute("GET", ("*", "logs"), "EtlLogs", logs),
    EtlRoute("GET", ("*", "logs", "*"), "EtlLogs", logs),
    EtlRoute("GET", ("*", "health"), "EtlHealth", health),
)


def matches(pattern: tuple[str, ...], items: list[str]) -> bool:
    return len(pattern) == len(items) and all(want in ("*", item) for want, item in zip(pattern, items))


def answer(native: Native, call: Call) -> Reply:
    """/v1/etl[/…]"""
    call.log("native.Etl")
    native.require(native.authenticate(call), rights.ADMIN)
    items = call.items()[1:]
    found = {row.method: row for row in ROUTES if matches(row.path, items)}
    if not found:
        raise NativeError(400, f"invalid request URI: '{call.method} {call.path}'")
    row = found.get(call.method)
    if row is None:
        return method_not_allowed(list(found))
    call.log(f"native.{row.operation}")
    return row.handler(native, call, items[0] if items else "")
