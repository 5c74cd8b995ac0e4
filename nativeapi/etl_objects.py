"""What transforms' servers ask of the node, under /v1/etl/_object/<transform>/<secret>/: objects, and to take results.

A server shows its secret, which is another one at each of its starts, and no token. It may read what its requests have
given it (`etl.grants`) and put what they wait for (`etl.channels.landing`), nothing else.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable

from etl.channels.landing import NotAwaited, deliver
from etl.errors import NoSuchTransform
from etl.grants import NotGranted, check, named
from etl.records import Stage, Transform
from nativeapi.call import EMPTY, PREFIX, Call, Headers, Reply, decode
from nativeapi.errors import NativeError
from nativeapi.native import Native, method_not_allowed
from nativeapi.properties import content_headers
from nativeapi.transfer import OCTETS, content_reply, requested_span
from storage.conditions import ALWAYS
from storage.errors import NoSuchBucket
from storage.records import Bucket

PATH = PREFIX + "etl/_object/"


def answer(native: Native, call: Call) -> Reply:
    call.log(f"native.{call.method.capitalize()}EtlObject")
    handler = HANDLERS.get(call.method)
    if handler is None:
        return method_not_allowed(list(HANDLERS))
    name, _, rest = call.path[len(PATH):].partition("/")
    secret, _, path = rest.partition("/")
    return handler(native, call, admitted(native, decode(name), secret), decode(path))


def admitted(native: Native, name: str, secret: str) -> Transform:
    """The running transform whose server shows its secret; a server may ask as soon as it has begun."""
    try:
        transform = native.transforms.get(name)
    except NoSuchTransform as error:
        raise NativeError(404, f"ETL {name} doesn't exist") from error
    known = transform.secret and transform.stage is not Stage.ABORTED
    if not known or not hmac.compare_digest(secret.encode(), transform.secret.encode()):
        raise NativeError(400, "unrecognized request source")
    return transform


def given(native: Native, call: Call, transform: Transform, path: str) -> tuple[Bucket, str]:
    """The object that a request has given the server under this name."""
    try:
        name, key = named(path)
        bucket = native.store.buckets.get(name)
        check(transform, path, bucket, now=time.time_ns())
    except (NotGranted, NoSuchBucket) as error:
        raise NativeError(403, f"no request has given ETL {transform.name} this object") from error
    call.log(f"native.{call.method.capitalize()}EtlObject", name, key)
    return bucket, key


def get(native: Native, call: Call, transform: Transform, path: str) -> Reply:
    bucket, key = given(native, call, transform, path)
    source = native.store.objects.open(bucket, key, ALWAYS)
    try:
        record = source.record
        span = requested_span(call.header(b"range"), record.size, f"ais://{bucket.name}/{key}")
        headers: Headers = [OCTETS, *content_headers(record)]
        if span is not None:
            headers.append(("Content-Range", f"bytes {span.start}-{span.stop - 1}/{record.size}"))
        return content_reply(source, headers, span)
    except BaseException:
        source.close()
        raise


def head(native: Native, call: Call, transform: Transform, path: str) -> Reply:
    bucket, key = given(native, call, transform, path)
    record = native.store.objects.head(bucket, key)
    return Reply(headers=[OCTETS, *content_headers(record), ("Content-Length", str(record.size))])


def put(_native: Native, call: Call, transform: Transform, _path: str) -> Reply:
    """200 and nothing more as soon as whoever waits for the result has taken all of it."""
    try:
        deliver(call.query.get("ticket", ""), transform.name, call.environ["wsgi.input"])
    except NotAwaited as error:
        raise NativeError(404, f"no request waits for this result of ETL {transform.name}") from error
    return EMPTY


HANDLERS: dict[str, Callable[[Native, Call, Transform, str], Reply]] = {"GET": get, "HEAD": head, "PUT": put}
