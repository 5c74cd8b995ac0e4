"""DeleteObjects: up to 1,000 keys in one request, read and answered by hand."""

from __future__ import annotations

from typing import Final, NamedTuple

from lxml import etree

from s3api.call import Call
from s3api.conditions import clean_etag
from s3api.declare import operation
from s3api.errors import S3Error, codes
from s3api.model import Shape
from s3api.reader import BadValue, local_name, parse_document, scalar, whole_number
from s3api.reply import Reply, xml_reply
from s3api.request import LONGEST_KEY, SURELY_SHORT
from s3api.times import parse_http_date
from s3api.translate import TRANSLATED, translate
from s3api.versions import NULL_VERSION
from s3api.xml import HEADER, NAMESPACE, escape
from storage.conditions import ALWAYS, Conditions

MOST_OBJECTS: Final = 1000

_OPEN: Final = f'{HEADER}<DeleteResult xmlns="{NAMESPACE}">'
_BOOLEAN: Final = Shape("boolean")


class Doomed(NamedTuple):
    """An object to delete. `version` "" is the current one."""

    key: str
    given: Conditions = ALWAYS
    version: str = ""


@operation("DeleteObjects", allow="s3:DeleteObject", headers=frozenset({"x-amz-sdk-checksum-algorithm"}))
def delete_objects(call: Call) -> Reply:
    doomed, quiet = read_doomed(call.document())
    refusals = [refusal(item) for item in doomed]
    wanted = [
        (item.key, item.given)
        for item, refused in zip(doomed, refusals)
        if refused is None and item.version in ("", NULL_VERSION)
    ]
    outcomes = iter(call.store.objects.delete_many(call.bucket, wanted))
    parts = [_OPEN]
    for item, refused in zip(doomed, refusals):
        outcome = refused
        if refused is None and item.version in ("", NULL_VERSION):
            found = next(outcomes)
            outcome = translate(found) if isinstance(found, TRANSLATED) else None
        if outcome is not None:
            parts.append(_error(item, outcome))
        elif not quiet:
            parts.append(f"<Deleted><Key>{escape(item.key)}</Key>{_version(item)}</Deleted>")
    parts.append("</DeleteResult>")
    return xml_reply("".join(parts).encode())


def refusal(item: Doomed) -> S3Error | None:
    if len(item.key) > SURELY_SHORT and len(item.key.encode()) > LONGEST_KEY:
        return S3Error(codes.KeyTooLongError)
    return None


def _version(item: Doomed) -> str:
    return f"<VersionId>{escape(item.version)}</VersionId>" if item.version else ""


def _error(item: Doomed, error: S3Error) -> str:
    return (
        f"<Error><Key>{escape(item.key)}</Key>{_version(item)}<Code>{error.code.name}</Code>"
        f"<Message>{escape(error.message)}</Message></Error>"
    )


def read_doomed(body: bytes) -> tuple[list[Doomed], bool]:
    """The objects, and whether only errors are to be answered; MalformedXML unless the document is a Delete."""
    root = parse_document(body)
    if local_name(root) != "Delete":
        raise S3Error(codes.MalformedXML)
    doomed: list[Doomed] = []
    quiet = False
    try:
        for element in root:
            name = local_name(element)
            if name == "Object":
                doomed.append(_read_object(element))
            elif name == "Quiet":
                quiet = scalar(element.text or "", _BOOLEAN)
            else:
                raise BadValue(name)
    except BadValue as error:
        raise S3Error(codes.MalformedXML) from error
    if not 1 <= len(doomed) <= MOST_OBJECTS:
        raise S3Error(codes.MalformedXML)
    return doomed, quiet


def _read_object(element: etree._Element) -> Doomed:
    if len(element) == 1:  # nearly always
        only = element[0]
        if only.tag.rpartition("}")[2] == "Key" and only.text and not len(only):
            return Doomed(only.text)
    texts: dict[str, str] = {}
    for child in element:
        name = local_name(child)
        if name in texts or len(child):
            raise BadValue(name)
        texts[name] = child.text or ""
    key = texts.pop("Key", "")
    version = texts.pop("VersionId", "")
    if not key:
        raise BadValue("Key")
    return Doomed(key, _read_conditions(texts), version)


def _read_conditions(texts: dict[str, str]) -> Conditions:
    if not texts:
        return ALWAYS
    etag, time, size = (texts.pop(name, None) for name in ("ETag", "LastModifiedTime", "Size"))
    if texts:
        raise BadValue(", ".join(texts))
    modified = None if time is None else parse_http_date(time.strip())
    if time is not None and modified is None:
        raise BadValue(time)
    return Conditions(
        if_match=None if etag is None else (clean_etag(etag),),
        if_last_modified=modified,
        if_size=None if size is None else whole_number(size.strip()),
    )
