"""ListObjects and ListObjectsV2. A page of 1,000 keys is written by hand: the generic writer costs ten times that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from s3api.call import Call
from s3api.declare import operation
from s3api.listing_terms import read_encoding, read_limit, read_token, write_token
from s3api.reply import Reply, xml_reply
from s3api.times import SECOND, iso_date
from s3api.xml import HEADER, NAMESPACE, escape
from storage.access import Principal
from storage.listing import Page
from storage.records import Listed

MOST_KEYS: Final = 1000

_OPEN: Final = f'{HEADER}<ListBucketResult xmlns="{NAMESPACE}">'
_CLOSE: Final = "</ListBucketResult>"

Encoding = Callable[[str], str]


@operation("ListObjects", allow="s3:ListBucket")
def list_objects(call: Call) -> Reply:
    query = call.query
    encode = read_encoding(query)
    marker = query.get("marker", "")
    limit, page = _page(call, marker)
    parts = [_OPEN, _element("Name", call.bucket.name), _element("Prefix", encode(query.get("prefix", "")))]
    parts.append(_element("Marker", encode(marker)))
    if page.truncated and query.get("delimiter"):
        parts.append(_element("NextMarker", encode(page.last)))
    parts.append(_common(query, encode, limit, page))
    parts += [_entry(key, listed, encode, owner_of(listed, call.principal)) for key, listed in page.entries]
    return _finished(parts, page, encode)


@operation("ListObjectsV2", allow="s3:ListBucket")
def list_objects_v2(call: Call) -> Reply:
    query = call.query
    encode = read_encoding(query)
    token = query.get("continuation-token")
    limit, page = _page(call, read_token(token) if token else query.get("start-after", ""))
    parts = [_OPEN, _element("Name", call.bucket.name), _element("Prefix", encode(query.get("prefix", "")))]
    if token is not None:
        parts.append(_element("ContinuationToken", escape(token)))
    if page.truncated:
        parts.append(_element("NextContinuationToken", write_token(page.last)))
    if query.get("start-after"):
        parts.append(_element("StartAfter", encode(query["start-after"])))
    parts.append(_element("KeyCount", str(len(page.entries) + len(page.prefixes))))
    parts.append(_common(query, encode, limit, page))
    if query.get("fetch-owner", "").lower() == "true":
        parts += [_entry(key, listed, encode, owner_of(listed, call.principal)) for key, listed in page.entries]
    else:
        parts += [_entry(key, listed, encode, "") for key, listed in page.entries]
    return _finished(parts, page, encode)


def _page(call: Call, after: str) -> tuple[int, Page[Listed]]:
    query = call.query
    limit = read_limit(query, "max-keys", MOST_KEYS)
    page = call.store.objects.list(
        call.bucket, prefix=query.get("prefix", ""), delimiter=query.get("delimiter", ""), after=after, limit=limit
    )
    return limit, page


def _element(name: str, text: str) -> str:
    return f"<{name}>{text}</{name}>"


def _common(query: Mapping[str, str], encode: Encoding, limit: int, page: Page[Listed]) -> str:
    delimiter = query.get("delimiter")
    text = f"<MaxKeys>{limit}</MaxKeys>"
    if delimiter:
        text += _element("Delimiter", encode(delimiter))
    if "encoding-type" in query:
        text += "<EncodingType>url</EncodingType>"
    return f"{text}<IsTruncated>{'true' if page.truncated else 'false'}</IsTruncated>"


def _entry(key: str, listed: Listed, encode: Encoding, owner: str) -> str:
    checksums = listed.checksums
    return (
        f"<Contents><Key>{encode(key)}</Key><LastModified>{iso_date(listed.modified // SECOND)}</LastModified>"
        f"<ETag>&quot;{listed.etag}&quot;</ETag>{_checksums(listed) if checksums else ''}<Size>{listed.size}</Size>"
        f"{owner}<StorageClass>{listed.storage_class}</StorageClass></Contents>"
    )


def _checksums(listed: Listed) -> str:
    algorithms = "".join(f"<ChecksumAlgorithm>{name.upper()}</ChecksumAlgorithm>" for name in listed.checksums)
    return f"{algorithms}<ChecksumType>{listed.checksum_type}</ChecksumType>"


def owner_of(listed: Listed, principal: Principal) -> str:
    """The Owner element. Names of other accounts than the caller's are not known here: their id stands for them."""
    name = principal.name if listed.owner == principal.id else listed.owner
    return f"<Owner><ID>{escape(listed.owner)}</ID><DisplayName>{escape(name)}</DisplayName></Owner>"


def _finished(parts: list[str], page: Page[Listed], encode: Encoding) -> Reply:
    parts += [f"<CommonPrefixes><Prefix>{encode(prefix)}</Prefix></CommonPrefixes>" for prefix in page.prefixes]
    parts.append(_CLOSE)
    return xml_reply("".join(parts).encode())
