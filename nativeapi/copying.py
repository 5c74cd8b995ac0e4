"""Objects made from objects: single-object copy, through a transform or not, and changed attributes."""

from __future__ import annotations

from contextlib import closing

from etl.errors import NoSuchTransform
from etl.lens import Purpose
from nativeapi.call import EMPTY, Call, Reply
from nativeapi.errors import NativeError
from nativeapi.names import check_new_object_name, parse_unified
from nativeapi.native import Native
from nativeapi.through import lens
from nativeapi.transfer import check_custom
from storage import rights
from storage.attributes import Attributes, kept
from storage.conditions import ALWAYS
from storage.records import Bucket, ObjectRecord


def copy_object(native: Native, call: Call, bucket: Bucket, key: str) -> Reply:
    """Make the object that `object_to` names: a copy of constant cost, or what a transform makes of the source. A plain
    copy onto itself changes nothing.

    A transformed object inherits no attribute of its source; its content type is the transform's. Nothing is stored
    when the transform fails half-way.
    """
    assert call.principal is not None
    target = parse_unified(call.query["object_to"], native.nodes)
    destination = native.bucket(call.principal, target.bucket, rights.PUT)
    owner = call.principal.id
    if call.query.get("etl_name"):
        store_transformed(native, call, bucket, key, destination, target.key)
    elif (destination.id, target.key) == (bucket.id, key):
        native.store.objects.head(bucket, key)
    else:
        with native.store.objects.open(bucket, key, ALWAYS) as source:
            attributes = kept(source.record, owner, source.record.metadata)
            native.store.objects.copy(source, destination, target.key, attributes)
    return EMPTY


def store_transformed(
    native: Native, call: Call, bucket: Bucket, key: str, destination: Bucket, name: str
) -> ObjectRecord:
    assert call.principal is not None
    try:
        opened = lens(native, call, Purpose.STORE)(bucket, key, ALWAYS)
    except NoSuchTransform as error:
        raise NativeError(404, f"ETL {call.query['etl_name']} doesn't exist") from error
    with closing(opened) as source:
        attributes = Attributes(call.principal.id, content=source.record.content)
        return native.store.objects.copy(source, destination, name, attributes)


def rename_object(native: Native, call: Call, bucket: Bucket, key: str) -> Reply:
    """Give the object the name that the action says, in place of what is there."""
    name = call.action().name or ""
    check_new_object_name(name)
    if name == key:
        raise NativeError(400, f"cannot rename ais://{bucket.name}/{key} to itself")
    native.store.objects.rename(bucket, key, name)
    return EMPTY


def as_sent(text: str) -> str:
    """Text as headers carry it and storage keeps it: UTF-8, a character a byte."""
    return text.encode().decode("latin-1")


def set_custom_metadata(native: Native, call: Call, bucket: Bucket, key: str) -> Reply:
    """Merge the action's value into the object's metadata, or put it in its place; the bytes stay where they are."""
    value = call.action().value
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise NativeError(400, "custom metadata must be an object of strings")
    given = {as_sent(name): as_sent(text) for name, text in value.items()}
    replace_all = call.flag("set-new-custom")

    def change(before: dict[str, str]) -> dict[str, str]:
        metadata = given if replace_all else {**before, **given}
        check_custom(metadata, f"ais://{bucket.name}/{key}")
        return metadata

    native.store.objects.change_metadata(bucket, key, change)
    return EMPTY
