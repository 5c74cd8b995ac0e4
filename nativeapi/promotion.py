"""Promote: files of the node's machine become objects, one at once, a directory by a job."""

from __future__ import annotations

import msgspec

from nativeapi import names
from nativeapi.call import EMPTY, Call, Reply, text_reply
from nativeapi.errors import NativeError
from nativeapi.native import Native
from storage.jobs.buckets import SOURCE
from storage.promotion import Wishes
from storage.records import Bucket


class Promote(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The value of the action."""

    tid: str = ""  # the node that has the files; "": whichever has
    src: str = ""  # the path; "": the action's name
    obj: str = ""  # the object's name, or what stands in front of the names
    rcr: bool = False  # also what lies in directories further down
    ovw: bool = False  # also onto objects that exist
    dls: bool = False  # delete the files that have become objects
    notshr: bool = False  # the path is no file share: all nodes are one here


def promote(native: Native, call: Call, bucket: Bucket, key: str) -> Reply:
    """Promote a file, or start the job that promotes a directory; its id."""
    assert call.principal is not None
    action = call.action()
    wanted = action.read(Promote)
    wanted.src = wanted.src or action.name or ""
    if wanted.tid not in ("", native.nodes.target):
        raise NativeError(404, f"cannot forward request to node {wanted.tid}", code="errNodeNotFound")
    if wanted.obj:
        names.check_object_name(wanted.obj)
    owner = call.principal.id
    if native.promoter.root.is_folder(wanted.src):
        value = msgspec.to_builtins(wanted) | {SOURCE: bucket.id}
        return text_reply(native.jobs.start("promote", owner=owner, bucket=bucket.name, value=value))
    name = wanted.obj + wanted.src.rpartition("/")[2] if wanted.obj[-1:] in ("", "/") else wanted.obj
    names.check_object_name(name)
    wishes = Wishes(overwrite=wanted.ovw, delete=wanted.dls)
    native.promoter.promote(wanted.src, bucket, name, owner, wishes)
    return EMPTY
