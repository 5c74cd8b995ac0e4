"""dSort, AIStore's distributed sort: a part that its stock builds are made without, and this node, too."""

from __future__ import annotations

from nativeapi.call import Call, Reply, json_reply, text_reply
from nativeapi.native import Native, method_not_allowed
from storage import rights

METHODS = ("GET", "POST", "DELETE")
ABSENT = "dsort not enabled (build with -tags=dsort)"  # the words by which clients know


def answer(native: Native, call: Call) -> Reply:
    """There are no sorting jobs, and none can be started: 501, as a build of AIStore without dSort answers."""
    call.log("native.Sort")
    principal = native.authenticate(call)
    if call.method not in METHODS:
        return method_not_allowed([*METHODS])
    native.require(principal, rights.SHOW_CLUSTER if call.method == "GET" else rights.ADMIN)
    return json_reply([]) if call.method == "GET" else text_reply(f"{ABSENT}\n", status=501)
