"""The description at /v1/openapi.json and its reader at /v1/docs; both tell of the protocol alone and take no token."""

from __future__ import annotations

from typing import cast

import msgspec
from flask import Blueprint
from flask_swagger_ui import get_swaggerui_blueprint

from nativeapi.call import Call, Reply
from nativeapi.native import Native, method_not_allowed
from nativeapi.openapi import document
from nativeapi.openapi.sources import entries

DESCRIPTION = "/v1/openapi.json"
READER = "/v1/docs"
DOCUMENT = msgspec.json.encode(document(entries())) + b"\n"  # made before the fork, in the memory of all processes once


def answer(_native: Native, call: Call) -> Reply:
    """/v1/openapi.json"""
    call.log("native.OpenApi")
    if call.method not in ("GET", "HEAD"):
        return method_not_allowed(["GET", "HEAD"])
    headers = [("Content-Type", "application/json; charset=utf-8"), ("Content-Length", str(len(DOCUMENT)))]
    return Reply(200, headers, DOCUMENT if call.method == "GET" else b"")


def reader() -> Blueprint:
    """Swagger UI, whose every file comes from the node itself."""
    # A token kept by the browser could be read by a page that somebody has stored as an object: it has the same origin.
    settings = {"app_name": "Sluice, the native API", "validatorUrl": None, "persistAuthorization": False}
    return cast(Blueprint, get_swaggerui_blueprint(READER, DESCRIPTION, config=settings))
