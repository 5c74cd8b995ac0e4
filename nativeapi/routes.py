"""The native API's paths, but for objects, as a Flask blueprint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, request
from werkzeug.routing import BaseConverter

from nativeapi import batch, buckets, cluster, easy_urls, etls, objects, sorting
from nativeapi.authn import discovery
from nativeapi.authn import routes as authn
from nativeapi.call import Call, Reply
from nativeapi.download import requests as download
from nativeapi.errors import NativeError
from nativeapi.native import Native
from nativeapi.openapi import served

METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"]


class Rest(BaseConverter):
    """Whatever follows a slash, line feeds and further slashes too, which Flask's own converter leaves to nobody."""

    regex = "(?s:.+)"
    part_isolating = False
    weight = 200


class PlainResponse(Response):
    """A response with the headers it was given and no others."""

    default_mimetype = None
    automatically_set_content_length = False
    autocorrect_location_header = False


def unknown(native: Native, call: Call) -> Reply:
    """Whatever no other row takes; AIStore answers 400, not 404."""
    call.log("native.Unknown")
    remote = call.environ.get("REMOTE_ADDR", "")
    raise NativeError(400, f"invalid request URI: '{call.method} {call.path}' from {remote}")


@dataclass(frozen=True, slots=True)
class Row:
    """A path, in Flask's notation, and who answers it, whatever the method."""

    path: str
    answer: Callable[[Native, Call], Reply]


ROWS = (
    Row("/buckets", buckets.answer_buckets),
    Row("/buckets/", buckets.answer_buckets),
    Row("/buckets/<path:rest>", buckets.answer_bucket),
    Row("/objects/<path:rest>", objects.answer),
    Row("/etl", etls.answer),
    Row("/etl/<path:rest>", etls.answer),
    Row("/daemon", cluster.answer),
    Row("/daemon/<path:rest>", cluster.answer),
    Row("/cluster", cluster.answer),
    Row("/cluster/<path:rest>", cluster.answer),
    Row("/reverse/daemon", cluster.answer),
    Row("/reverse/daemon/<path:rest>", cluster.answer),
    Row("/health", cluster.health),
    Row("/users", authn.answer),
    Row("/users/<path:rest>", authn.answer),
    Row("/roles", authn.answer),
    Row("/roles/<path:rest>", authn.answer),
    Row("/clusters", authn.answer),
    Row("/clusters/<path:rest>", authn.answer),
    Row("/tokens", authn.answer),
    Row("/download", download.answer),
    Row("/download/<path:rest>", download.answer),
    Row("/ml/moss", batch.answer),
    Row("/ml/moss/<path:rest>", batch.answer),
    Row("/sort", sorting.answer),
    Row("/sort/<path:rest>", sorting.answer),
    Row("/openapi.json", served.answer),
    Row("", unknown),
    Row("/", unknown),
    Row("/<path:rest>", unknown),
)

# Beside /v1: easy URLs, and what is where the specification of OpenID Connect wants it.
BESIDE = (
    *(Row(path, easy_urls.answer) for path in easy_urls.paths()),
    Row("/.well-known/openid-configuration", discovery.configuration),
    Row("/.well-known/jwks.json", discovery.key_set),
    Row("/.well-known/<path:rest>", unknown),
)


def blueprint(native: Callable[[], Native]) -> Blueprint:
    """The routes of both tables, the first below /v1. `native` is asked at each request: it comes into being after the
    fork, this before."""
    made = Blueprint("native", __name__)
    made.record(lambda state: state.app.url_map.converters.update(path=Rest))

    def view(row: Row) -> Callable[..., Response]:
        def respond(rest: str = "") -> Response:
            reply = native().answer(row.answer, Call(request.environ))
            response = PlainResponse(reply.body, reply.status, list(reply.headers))
            response.direct_passthrough = True
            return response

        return respond

    rows = [(f"/v1{row.path}", row) for row in ROWS] + [(row.path, row) for row in BESIDE]
    for number, (path, row) in enumerate(rows):
        made.add_url_rule(
            path,
            f"route-{number}",
            view(row),
            methods=METHODS,
            strict_slashes=True,
            merge_slashes=False,
            provide_automatic_options=False,
        )
    return made
