"""The server's requests: GET and PUT of objects, GET /health, and the WebSocket."""

from __future__ import annotations

from flask import Flask, Request, Response, request
from geventwebsocket.websocket import WebSocket
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.routing import BaseConverter

from etl.webserver.answers import Answer, failure
from etl.webserver.conversation import converse
from etl.webserver.pipeline import ETL_ARGS, NODE_URL
from etl.webserver.processing import Call, Processing
from etl.webserver.sources import Body, Source

ETL_FQN = "etl_fqn"
METHODS = ["GET", "PUT"]


class ObjectPath(BaseConverter):
    """Whatever follows the first slash: objects' names hold line feeds and further slashes, too."""

    regex = "(?s:.+)"
    part_isolating = False
    weight = 200


def application(processing: Processing) -> Flask:
    """The WSGI application. A WebSocket needs the worker of `etl.webserver.worker` around it."""
    made = Flask("etl.webserver", static_folder=None)
    made.url_map.merge_slashes = False
    made.url_map.converters["object"] = ObjectPath

    def health() -> Response:
        return Response(b"Running", mimetype="text/plain")

    def transform(path: str) -> Response:
        if request.method not in METHODS:  # Flask takes HEAD for a GET, and would transform for nothing
            raise MethodNotAllowed(METHODS)
        return response(answered(processing, request, path))

    def websocket() -> Response:
        socket: WebSocket | None = request.environ.get("wsgi.websocket")
        if socket is None:
            return Response("start gunicorn with --worker-class etl.webserver.worker.Worker", status=501)
        converse(processing, socket)
        return Response()

    made.add_url_rule("/health", view_func=health)
    made.add_url_rule("/ws", view_func=websocket, websocket=True)
    made.add_url_rule("/<object:path>", view_func=transform, methods=METHODS)
    return made


def answered(processing: Processing, asked: Request, path: str) -> Answer:
    """An answer to every request, whatever the transform raises."""
    call = Call(
        path,
        arguments=asked.args.get(ETL_ARGS, "").strip(),
        source=source(processing, asked, path),
        pipeline=asked.headers.get(NODE_URL, ""),
    )
    try:
        return processing.answer(call)
    except Exception as error:  # of the transform's author: anything
        told = failure(error, path)
        processing.server.logger.error("%s: %s", path, told.message, exc_info=told.status == 500)
        return told.answer


def source(processing: Processing, asked: Request, path: str) -> Source:
    fqn = asked.args.get(ETL_FQN, "").strip()
    if fqn:
        return processing.file(fqn)
    return processing.fetched(path) if asked.method == "GET" else Body(asked.stream.read)


def response(answer: Answer) -> Response:
    return Response(answer.body, status=answer.status, headers=dict(answer.headers))
