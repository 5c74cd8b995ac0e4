"""What the node's catalog holds about transforms, in storage's record format."""

from __future__ import annotations

from enum import StrEnum

import msgspec
from storage.records import Codec

from etl.spec import TransformSpec

KIND = "etl"
ACTIVITY_KIND = "etl-activity"
MOST_ERRORS = 128  # kept per transform, as AIStore does


class Stage(StrEnum):
    """AIStore's stages. A request changes the stage to what it wants, the supervisor makes it true."""

    INITIALIZING = "Initializing"  # a server is to be started, or is starting
    RUNNING = "Running"  # a server answers at `address`
    ABORTED = "Aborted"  # no requests are taken; the server is gone once the transform is not `held`


class Transform(msgspec.Struct, array_like=True, frozen=True):
    """A transform and where it stands."""

    name: str
    spec: TransformSpec
    stage: Stage
    job: str  # "etl-" and nine characters; a new one each time it is started
    secret: str  # what its server shows when it asks the node for an object; another one at every start
    changed: int  # ns, when the stage changed last
    address: str = ""  # host:port of the server once it is Running
    held: bool = False  # the supervisor has a server for it, or is about to
    error: str = ""  # why it is Aborted
    restarts: int = 0  # how often the node has brought this job's server back
    seal: str = ""  # signs what its server is given to read (see `etl.grants`); no server sees it


class ObjectError(msgspec.Struct, array_like=True, frozen=True):
    """An object that could not be transformed."""

    object: str  # "ais://bucket/key"
    message: str
    status: int


class Activity(msgspec.Struct, array_like=True, frozen=True):
    """What has gone through a transform, over all processes of the node."""

    objects: int = 0
    in_bytes: int = 0
    out_bytes: int = 0
    errors: tuple[ObjectError, ...] = ()  # the latest, in order; at most MOST_ERRORS

    def __add__(self, more: Activity) -> Activity:
        return Activity(
            self.objects + more.objects,
            self.in_bytes + more.in_bytes,
            self.out_bytes + more.out_bytes,
            (self.errors + more.errors)[-MOST_ERRORS:],
        )


TRANSFORMS = Codec(Transform)
ACTIVITIES = Codec(Activity)
