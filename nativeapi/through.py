"""Objects seen through a transform: which one a request means, and what its reply says."""

from __future__ import annotations

from etl.errors import NoSuchTransform
from nativeapi.call import Call, Headers, Reply
from nativeapi.errors import NativeError, unsupported
from nativeapi.native import Native
from nativeapi.transfer import content_reply
from storage.conditions import ALWAYS
from storage.records import Bucket
from storage.source import Opener


def lens(native: Native, call: Call) -> Opener:
    """How to open an object through the transform that the parameters name; raises `NoSuchTransform`."""
    if call.query.get("etl_pipeline"):
        raise unsupported("etl_pipeline")
    return native.lenses.open(call.query["etl_name"], call.query.get("etl_args", ""))


def transformed(native: Native, call: Call, bucket: Bucket, key: str) -> Reply:
    """The transform's result, all of it, with its own type: ranges are ignored, no attribute of the source is shown."""
    name = call.query["etl_name"]
    try:
        source = lens(native, call)(bucket, key, ALWAYS)
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
