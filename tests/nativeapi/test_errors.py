"""Refusals, row by row: status, type and words as AIStore's clients know them. One list; add rows to it.

Everything is asked of a bucket `music` with an object `song` of eleven bytes, beside an empty bucket `other`. In the
words, {t} and {p} are the ids of the target and the proxy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from storage.layout import claim
from storage.store import Store
from tests.nativeapi.conftest import Answer, Api, opened

RETRIED = {429, 500, 502, 503, 504}  # by the SDK, for a minute and a half
SONG = "/v1/objects/music/song"


@dataclass(frozen=True, slots=True)
class Case:
    """A request and the refusal that it gets. `message` is a format; a part is enough when it ends in an ellipsis."""

    status: int
    code: str
    message: str
    method: str
    target: str
    action: str = ""
    value: Any = None
    name: Any = ""
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    token: str = "root-token"

    def __str__(self) -> str:
        return f"{self.method} {self.target} {self.action}"


def sent(api: Api, case: Case) -> Answer:
    body = case.body
    if case.action:
        body = json.dumps({"action": case.action, "name": case.name, "value": case.value}).encode()
    return api(case.method, case.target, body, token=case.token, **case.headers)  # type: ignore[arg-type]


MISSING_BUCKET = ("ErrBckNotFound", 'bucket "ais://nope" does not exist')
MISSING_OBJECT = ("ErrNotFound", "t[{t}]: ais://music/nope does not exist")
MD5 = {"ais_checksum_type": "md5"}

OBJECTS = [
    # buckets and objects that are not there
    *(Case(404, *MISSING_BUCKET, method, "/v1/objects/nope/song") for method in ("GET", "HEAD", "PUT", "DELETE")),
    Case(404, *MISSING_BUCKET, "PATCH", "/v1/objects/nope/song", "", {"a": "b"}),
    Case(404, *MISSING_BUCKET, "POST", "/v1/objects/nope/song", "mpt-upload"),
    Case(404, *MISSING_BUCKET, "PUT", f"{SONG}?object_to=ais/@%23/nope/song"),
    Case(404, *MISSING_BUCKET, "GET", "/v1/buckets/nope", "list"),
    *(Case(404, *MISSING_OBJECT, method, "/v1/objects/music/nope") for method in ("GET", "HEAD")),
    Case(404, *MISSING_OBJECT, "PATCH", "/v1/objects/music/nope", body=b'{"value":{"a":"b"}}'),
    Case(404, *MISSING_OBJECT, "PUT", "/v1/objects/music/nope?object_to=ais/@%23/other/song"),
    Case(404, *MISSING_OBJECT, "POST", "/v1/objects/music/nope", "rename-obj", name="song"),
    Case(404, "", "ais://music/nope doesn't exist", "DELETE", "/v1/objects/music/nope"),
    Case(
        404, "ErrFailedTo",
        "p[{p}]: failed to lookup bucket s3://music, err: AWS backend is missing in the cluster configuration",
        "GET", f"{SONG}?provider=s3",
    ),
    # names
    Case(400, "errInvalidPath", 'invalid object name "../x"', "GET", "/v1/objects/music/../x"),
    Case(400, "errInvalidPath", 'invalid object name "a/./x"', "PUT", "/v1/objects/music/a/./x"),
    Case(400, "errInvalidPath", 'invalid object name "~/x"', "PUT", "/v1/objects/music/~/x"),
    Case(400, "errInvalidPath", 'invalid object name "x/"', "PUT", "/v1/objects/music/x/"),
    Case(400, "errInvalidPath", 'invalid object name "x/"', "POST", "/v1/objects/music/x/", "mpt-upload"),
    Case(400, "errInvalidPath", 'invalid object name "x/"', "PUT", "/v1/objects/music/x/?append_type=append"),
    Case(400, "errInvalidPath", 'invalid object name "a\0b"', "PUT", "/v1/objects/music/a%00b"),
    Case(400, "errInvalidPath", 'invalid object name "../x"', "POST", SONG, "rename-obj", name="../x"),
    Case(400, "", "object name is too long: 1025 > 1024(max length)", "GET", f"/v1/objects/music/{'x' * 1025}"),
    Case(400, "", "URL 'v1/objects/music' is too short: expected 4 items, got 3", "GET", "/v1/objects/music"),
    Case(
        400, "ErrInvalidBackendProvider",
        'invalid backend provider "foo": must be one of [ais aws azure gcp oci]', "GET", f"{SONG}?provider=foo",
    ),
    Case(400, "", "no remote ais clusters attached", "GET", f"{SONG}?namespace=%40uuid%23ns"),
    # reading
    Case(416, "ErrRangeNotSatisfiable", "size=11: not satisfiable range [100-200]", "GET", SONG,
         headers={"range": "bytes=100-200"}),
    Case(416, "ErrUnsupp", "cannot multi-range read ais://music/song - operation not supported", "GET", SONG,
         headers={"range": "bytes=0-1,3-4"}),
    Case(416, "", 'read range "foo" is invalid (prefix)', "GET", SONG, headers={"range": "foo"}),
    Case(416, "", 'read range "bytes=5-2" is invalid', "GET", SONG, headers={"range": "bytes=5-2"}),
    Case(400, "", "blob-downloader is not supported for local buckets: ais://music", "GET", SONG,
         headers={"ais_blob_download": "true"}),
    Case(400, "ErrNotRemoteBck", "blob-download: expecting remote bucket (have ais://music)", "POST",
         "/v1/objects/music", "blob-download", name="song"),
    Case(400, "", 'invalid property "foo" in props list', "HEAD", f"{SONG}?props=size,foo"),
    Case(400, "", 'invalid value "maybe" of the query parameter "validate-checksum": expecting a boolean', "GET",
         f"{SONG}?validate-checksum=maybe"),
    Case(400, "", 'invalid presence "9"…', "HEAD", f"{SONG}?presence=9"),
    # writing
    Case(400, "ErrBadCksum", f"BAD DATA CHECKSUM: md5({'0' * 32} != 7ac66c0f148de9519b8bd264312c4d64) "
         "(context: ais://music/song)", "PUT", SONG, body=b"abcdefg", headers=MD5 | {"ais_checksum_value": "0" * 32}),
    Case(400, "", 'checksum value "x" is not hexadecimal', "PUT", SONG, headers=MD5 | {"ais_checksum_value": "x"}),
    Case(400, "", 'checksum type "sha3" is not one of…', "PUT", SONG, headers={"ais_checksum_type": "sha3"}),
    Case(400, "", "ais://music/song: custom metadata: total size 5001 exceeds max 2048 bytes", "PATCH", SONG,
         body=json.dumps({"value": {"k": "x" * 5000}}).encode()),
    Case(400, "", "ais://music/song: custom metadata: total size 2049 exceeds max 2048 bytes", "PUT", SONG,
         headers={"ais_custom_md": f"k={'x' * 2048}"}),
    Case(400, "", "custom metadata must be an object of strings", "PATCH", SONG, body=b'{"value":{"k":1}}'),
    Case(400, "", "failed to unmarshal the action message…", "PATCH", SONG, body=b"{"),
    Case(400, "", 'invalid action "dance"', "POST", SONG, "dance"),
    Case(400, "", 'invalid action "dance"', "DELETE", SONG, "dance"),
    Case(400, "ErrNotRemoteBck", "evict-remote-bck: expecting remote bucket (have ais://music)", "DELETE", SONG,
         "evict-listrange"),
    # appending and uploading in parts
    Case(400, "", "ais://music/song: flush without an append handle", "PUT", f"{SONG}?append_type=flush"),
    Case(400, "", "song: the append handle is malformed", "PUT", f"{SONG}?append_type=append&append_handle=x%7Cy"),
    Case(400, "", "song: the append handle belongs to no append under way", "PUT",
         f"{SONG}?append_type=flush&append_handle={'0' * 32}-5"),
    Case(400, "", 'invalid append type "prepend"…', "PUT", f"{SONG}?append_type=prepend"),
    Case(404, "ErrNotFound", "o[music/song(-)]: nope does not exist", "PUT", f"{SONG}?uploadId=nope&partNumber=1",
         body=b"x"),
    Case(404, "ErrNotFound", "o[music/song(-)]: nope does not exist", "POST", f"{SONG}?uploadId=nope", "mpt-complete",
         [{"part-number": 1}]),
    Case(404, "ErrNotFound", "ais://music/song: upload nope does not exist", "DELETE", f"{SONG}?uploadId=nope",
         "mpt-abort"),
    Case(400, "", 'invalid part number "one"…', "PUT", f"{SONG}?uploadId=nope&partNumber=one", body=b"x"),
    Case(400, "", "ais://music/song: missing upload ID", "POST", SONG, "mpt-complete", []),
    # transforms
    Case(404, "", "ETL nope doesn't exist", "PUT", f"{SONG}?object_to=ais/@%23/other/song&etl_name=nope"),
    # who asks
    Case(401, "", "token required", "GET", SONG, token=""),
    Case(401, "", "invalid token…", "GET", SONG, token="nonsense"),
    Case(403, "", 'insufficient permissions for bucket "ais://music"…', "GET", SONG, token="alice-token"),
    Case(403, "", "insufficient permissions: LIST-BUCKETS", "GET", "/v1/buckets", token="alice-token"),
    Case(401, "", "not authorized: requires admin", "GET", "/v1/users", token="alice-token"),
    Case(401, "", "invalid credentials", "POST", "/v1/users/nobody", body=b'{"password":"x"}', token=""),
    Case(401, "", "invalid token", "DELETE", "/v1/tokens", body=b'{"token":"x"}'),
    Case(404, "", 'user "nobody" not found', "GET", "/v1/users/nobody"),
    Case(404, "", 'role "none" not found', "DELETE", "/v1/roles/none"),
    Case(404, "", 'cluster "none" not found', "GET", "/v1/clusters/none"),
    Case(409, "", 'user "admin" already exists', "POST", "/v1/users", body=b'{"id":"admin","pass":"x"}'),
    Case(409, "", 'role "Admin" already exists', "POST", "/v1/roles", body=b'{"name":"Admin"}'),
    Case(403, "", 'user "admin" cannot be removed', "DELETE", "/v1/users/admin"),
]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One for all rows: a refusal changes nothing."""
    folder = tmp_path_factory.mktemp("errors")
    with claim([folder / "data"]) as claimed, Store(claimed.layout) as store, opened(store, folder) as made:
        for name in ("music", "other"):
            made.action("POST", f"/v1/buckets/{name}", "create-bck")
        made("PUT", SONG, b"hello world")
        yield made


TO_OTHER = {"name": "other", "provider": "ais"}
LISTS = [
    *(
        Case(400, "ErrNotRemoteBck", f"{said}: expecting remote bucket (have ais://music)", method, target, action, {})
        for method, target, action, said in (
            ("POST", "/v1/buckets/music", "prefetch-listrange", "prefetch-listrange"),
            ("DELETE", "/v1/buckets/music", "evict-listrange", "evict-remote-bck"),
            ("DELETE", "/v1/buckets/music", "evict-remote-bck", "evict-remote-bck"),
            ("POST", "/v1/buckets/music", "create-inventory", "create-inventory"),
            ("POST", "/v1/objects/music", "blob-download", "blob-download"),
        )
    ),
    Case(400, "errTemplateInvalid", "invalid 'bash' template \"a{3..1}\": 'start' cannot be greater than 'end'",
         "DELETE", "/v1/buckets/music", "delete-listrange", {"template": "a{3..1}"}),
    Case(400, "errTemplateInvalid", "invalid 'range' template \"{0..99999999}\": 100000000 names exceed…",
         "POST", "/v1/buckets/music", "copy-listrange", {"template": "{0..99999999}", "tobck": TO_OTHER}),
    Case(400, "", 'cannot copy-bck bucket "ais://music" onto itself',
         "POST", "/v1/buckets/music?bck_to=ais/@%23/music/", "copy-bck", {}),
    Case(400, "", "prepend and synchronize exclude each other",
         "POST", "/v1/buckets/music?bck_to=ais/@%23/other/", "copy-bck", {"prepend": "x", "synchronize": True}),
    Case(400, "", "invalid copy-bck request: Object contains unknown field `colour`",
         "POST", "/v1/buckets/music?bck_to=ais/@%23/other/", "copy-bck", {"colour": "red"}),
    Case(400, "", 'invalid bucket ""…', "POST", "/v1/buckets/music", "copy-bck", {}),
    Case(404, "", "ETL nope doesn't exist",
         "POST", "/v1/buckets/music?bck_to=ais/@%23/other/", "etl-bck", {"id": "nope"}),
    Case(404, "", "ETL nope doesn't exist", "PUT", f"{SONG}?object_to=ais/@%23/other/song&etl_name=nope"),
    Case(400, "errInvalidPromoteSource", 'invalid promote source "/x": must be under…',
         "POST", "/v1/objects/music", "promote", {"src": "/x"}),
    Case(403, "", 'insufficient permissions for bucket "ais://music": PROMOTE…',
         "POST", "/v1/objects/music", "promote", {"src": "/x"}, token="alice-token"),
    Case(404, "errNodeNotFound", "cannot forward request to node t12345678",
         "POST", "/v1/objects/music", "promote", {"src": "/x", "tid": "t12345678"}),
    Case(404, "", '"x-[nope]" not found', "GET", "/v1/buckets/music", "summary-shard", {"uuid": "nope"}),
]


@pytest.mark.parametrize("case", [*OBJECTS, *LISTS], ids=str)
def test_refusal_is_told_as_aistore_tells_it(api: Api, case: Case) -> None:
    refused = sent(api, case)
    document = json.loads(refused.body or refused.headers["Hdr-Error"])
    wanted = case.message.replace("{t}", api.native.nodes.target).replace("{p}", api.native.nodes.proxy)
    if wanted.endswith("…"):
        document["message"] = document["message"][: len(wanted) - 1] + "…"
    assert (refused.status, document.get("tcode", ""), document["message"]) == (case.status, case.code, wanted)
    assert refused.status not in RETRIED
    assert document["url_path"] == case.target.partition("?")[0]
    assert api("GET", SONG).body == b"hello world"
    assert api.action("GET", "/v1/buckets/other", "list").json["entries"] == []
