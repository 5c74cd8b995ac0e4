"""The action that makes an archive of many objects: a job."""

from __future__ import annotations

from typing import Any

from nativeapi.archived import format_called, format_of_name
from nativeapi.call import Action, Call, Reply
from nativeapi.lists import Many, destination, started
from nativeapi.names import check_new_object_name, check_object_name
from nativeapi.native import Native
from storage import rights
from storage.records import Bucket
from storage.templates import parse


class ArchiveList(Many, kw_only=True):
    """AIStore's value; see `storage.jobs.archiving`."""

    archname: str
    mime: str | None = ""
    isbn: bool = False
    bnonly: bool = False
    aate: bool = False
    tobck: Any = None
    prefix: str = ""
    objnames: list[str] | None = None
    template: str | None = ""


def archive(native: Native, call: Call, bucket: Bucket, action: Action) -> Reply:
    """Begin the job, once everything about it that can be wrong is right."""
    wanted = action.read(ArchiveList)
    check_new_object_name(wanted.archname)
    told = format_called(wanted.mime) if wanted.mime else None
    format_of_name(wanted.archname, told)
    for name in wanted.objnames or ():
        check_object_name(name)
    parse(wanted.template or "")
    assert call.principal is not None
    target = destination(native, wanted.tobck) if wanted.tobck else bucket.name
    into = native.bucket(call.principal, target, rights.PUT)
    return started(native, call, bucket, action, wanted, target=target, into=into)
