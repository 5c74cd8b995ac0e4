"""The entries of the description, out of the tables by which requests are answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from etl.spec import TransformSpec
from nativeapi import administration, batch, buckets, etls, objects, questions, sorting
from nativeapi.authn import routes as authn
from nativeapi.download import requests as downloads
from nativeapi.download.message import Message
from nativeapi.names import BucketDocument
from nativeapi.openapi.entries import OCTETS, TEXT, Body, Entry, summary
from nativeapi.summary import info
from storage import rights
from storage.archives.formats import FORMATS, TAR

OF_BUCKET = "/v1/objects/{bucket}"
OF_OBJECT = "/v1/objects/{bucket}/{object}"
BUCKET_QUERY = ("provider", "namespace")
MEMBER = "daemon"
ETL_PLACES = ("etl", "target")


def of_buckets() -> Iterator[Entry]:
    path = "/v1/buckets/{bucket}"
    yield Entry(
        "GET", "/v1/buckets", "list", summary(buckets.answer_buckets, "list"), rights.LIST_BUCKETS,
        query=("provider", "namespace", "presence"), replies=(list[BucketDocument],),
    )
    yield Entry(
        "POST", path, "create-bck", summary(buckets.create, "create-bck"), rights.CREATE_BUCKET, query=BUCKET_QUERY,
        action="create-bck", body=Body.ACTION, value=dict[str, Any],
    )
    head = summary(info, "head")
    query = (*BUCKET_QUERY, "bsumm_remote", "uuid", "presence")
    yield Entry("HEAD", path, "head", head, rights.BCK_HEAD, query=query)
    yield Entry("HEAD", path + "/{prefix}", "head", head, rights.BCK_HEAD, query=query)
    for row in buckets.ROWS:
        yield Entry(
            row.method, path, row.action or "list", summary(row.handler, row.action or "list"), row.right,
            offered=row.handler is not None, query=BUCKET_QUERY, action=row.action,
            body=Body.ACTION if row.action else Body.NOTHING, value=row.value,
            replies=() if row.reply is None else (row.reply,),
        )


def of_objects() -> Iterator[Entry]:
    bodies = {"PUT": Body.BYTES, "PATCH": Body.ACTION, "POST": Body.ACTION}
    for row in objects.OPERATIONS:
        posted = row.method == "POST"
        selecting = () if posted or not row.selector else (row.selector,)
        yield Entry(
            row.method, OF_BUCKET if row.check is objects.any_name else OF_OBJECT, row.name,
            summary(row.handler, row.name), row.right,
            offered=row.handler is not None, query=(*BUCKET_QUERY, *selecting, *row.query),
            action=row.selector if posted else "", body=bodies.get(row.method, Body.NOTHING),
            replies=(OCTETS, TAR.media_type) if row.method == "GET" else (),
        )


def of_etls() -> Iterator[Entry]:
    for row in etls.ROUTES:
        places = iter(ETL_PLACES)
        parts = [f"{{{next(places)}}}" if part == "*" else part for part in row.path]
        yield Entry(
            row.method, "/".join(["/v1/etl", *parts]), row.operation, summary(row.handler, row.operation), rights.ADMIN,
            body=Body.DOCUMENT if row.method == "PUT" else Body.NOTHING,
            value=TransformSpec if row.method == "PUT" else None,
        )


def members_too(path: str) -> list[str]:
    """The path, and the one through the proxy where it is a member's."""
    own = f"/v1/{path}"
    return [own, f"/v1/reverse/{path}"] if path.split("/")[0] == MEMBER else [own]


def of_questions() -> Iterator[Entry]:
    for row in questions.ROWS:
        for path in (shown for asked in row.paths for shown in members_too(asked)):
            yield Entry(
                "GET", path, row.what, summary(row.answer, row.what), rights.SHOW_CLUSTER, query=row.query,
                what=row.what, replies=row.kinds,
            )


def of_commands() -> Iterator[Entry]:
    for row in administration.ROWS:
        for path in members_too(row.path):
            for method in row.methods:
                yield Entry(
                    method, path, row.action, summary(row.act, row.action), row.right, offered=row.act is not None,
                    action=row.action, body=Body.ACTION,
                )
    for place in administration.PLACES:
        for path in members_too(place.path.replace("*", "{provider}")):
            yield Entry(
                place.method, path, place.name, summary(place.answer, place.name), place.right, query=place.query
            )


def of_health() -> Iterator[Entry]:
    for method in ("GET", "HEAD"):
        yield Entry(
            method, "/v1/health", "health", "200 as long as the node answers.", open=True,
            query=("prr", "readiness", "cii"),
        )


def of_authn() -> Iterator[Entry]:
    places = {"users": "user", "roles": "role", "clusters": "cluster"}
    for row in authn.ROUTES:
        parts = [f"{{{places[row.path[0]]}}}" if part == "*" else part for part in row.path]
        administrators = row.who is authn.Who.ADMINISTRATOR
        yield Entry(
            row.method, "/".join(["/v1", *parts]), row.operation, summary(row.handler, f"For {row.who.value}"),
            rights.ADMIN if administrators else 0, open=row.who is authn.Who.ANYBODY,
            body=Body.NOTHING if row.message is None else Body.DOCUMENT, value=row.message,
        )


def of_batch() -> Iterator[Entry]:
    archives = tuple(dict.fromkeys(format.media_type for format in FORMATS))
    for path in ("/v1/ml/moss", "/v1/ml/moss/{bucket}"):
        yield Entry(
            "GET", path, batch.KIND, summary(batch, batch.KIND), rights.GET, query=("provider", "namespace", "coloc"),
            body=Body.DOCUMENT, value=batch.Request, replies=(*archives, "multipart/form-data"),
        )


def of_sorting() -> Iterator[Entry]:
    about = summary(sorting.answer, "sort")
    yield Entry("GET", "/v1/sort", "list", about, rights.SHOW_CLUSTER, replies=(list[str],))
    yield Entry("POST", "/v1/sort", "start", about, rights.ADMIN, offered=False)
    yield Entry("DELETE", "/v1/sort/abort", "abort", about, rights.ADMIN, offered=False)


def of_downloads() -> Iterator[Entry]:
    for path, methods in downloads.ROWS.items():
        for method, handler in methods.items():
            yield Entry(
                method, f"/v1/download/{path}".rstrip("/"), handler.__name__, summary(handler, handler.__name__),
                rights.SHOW_CLUSTER if method == "GET" else 0, body=Body.DOCUMENT,
                value=Message if method == "POST" else downloads.Query,
                replies=(TEXT,) if method == "GET" else (dict[str, Any],),
            )


SOURCES = {
    "buckets": of_buckets,
    "objects": of_objects,
    "etl": of_etls,
    "cluster": of_commands,
    "daemon": of_questions,
    "health": of_health,
    "users": of_authn,
    "download": of_downloads,
    "ml": of_batch,
    "sort": of_sorting,
}


def entries() -> Iterator[Entry]:
    for source in SOURCES.values():
        yield from source()
