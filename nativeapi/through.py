"""Objects seen through a transform: which one a request means, and what its reply says."""

from __future__ import annotations

from etl.errors import NoSuchTransform
from etl.lens import Purpose, Use
from nativeapi.call import Call, Headers, Reply
from nativeapi.errors import NativeError
from nativeapi.native import Native
from nativeapi.transfer import content_reply
from storage.conditions import ALWAYS
from storage.records import Bucket
from storage.source import Opener


LOCAL = ("127.", "::1", "::ffff:127.")


def use(call: Call, purpose: Purpose) -> Use:
    """The transforms that the parameters name, the first and those of its pipeline."""
    pipeline = tuple(name.strip() for name in call.query.get("etl_pipeline", "").split(",") if name.strip())
    return Use(call.query["etl_name"], call.query.get("etl_args", ""), pipeline, purpose)


def lens(native: Native, call: Call, purpose: Purpose) -> Opener:
    """How to open an object through the transforms that the parameters name; raises `NoSuchTransform`."""
    return native.lenses.open(use(call, purpose))


def transformed(native: Native, call: Call, bucket: Bucket, key: str) -> Reply:
    """The transform's result, all of it, with its own type: ranges are ignored, no attribute of the source is shown.

    A server that gets objects itself is asked by clients of this machine directly, as AIStore's clients do; no other
    machine reaches it.
    """
    name = call.query["etl_name"]
    try:
        location = native.lenses.location(use(call, Purpose.SHOW), bucket, key) if is_local(call) else ""
        if location:
            native.store.objects.head(bucket, key)
            return Reply(307, [("Location", location), ("Content-Length", "0")])
        source = lens(native, call, Purpose.SHOW)(bucket, key, ALWAYS)
    except NoSuchTransform as error:
        hint = f'try starting new ETL with "{call.origin()}/v1/etl/init" endpoint'
        raise NativeError(404, f"{name} is not running - {hint}") from error
    content_type = source.record.content.get("content-type", "application/octet-stream")
    headers: Headers = [("Content-Type", content_type)]
    try:
        return content_reply(source, headers, None)
    except BaseException:
        source.close()
        raise


def is_local(call: Call) -> bool:
    """Whether the client is on this machine, with no proxy between that could hide another one."""
    return call.environ.get("REMOTE_ADDR", "").startswith(LOCAL) and not call.header(b"x-forwarded-for")
