"""What transforms refuse or fail at: one type per thing that a caller does differently.

    EtlError
     ├─ InvalidSpec             .message            nothing was changed
     │   └─ UnsupportedSpec     .message            valid for AIStore, not built here yet
     ├─ NoSuchTransform         .name
     ├─ TransformExists         .name
     ├─ InvalidStage            .name .stage        nothing was changed
     ├─ InitFailed              .name .message      the transform is left Aborted, with its log
     ├─ NotStopped              .name .seconds      asked to stop, still going
     └─ TransformFailed         .status .message    of one object; nothing of the result is to be kept
         ├─ TransformBroken     .status .message    no whole answer came: a repetition may fare better
         └─ TransformTimeout    .status .message    obj_timeout has passed: a repetition would take as long

`message` is AIStore's own text and is meant for clients. `status` is what the transform's server answered; of the two
that it did not answer, what a gateway would say.
"""

from __future__ import annotations

BAD_GATEWAY = 502
GATEWAY_TIMEOUT = 504


class EtlError(Exception):
    """Anything that goes wrong with a transform."""


class InvalidSpec(EtlError):
    """The definition of a transform is wrong; `message` says what and how to mend it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UnsupportedSpec(InvalidSpec):
    """The definition asks for what AIStore has and this node has not yet."""


class NoSuchTransform(EtlError):
    """There is no transform of this name; or, where an object is to be read through it, it does not run."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class TransformExists(EtlError):
    """A transform of this name exists, in whatever stage."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class InvalidStage(EtlError):
    """Only an Aborted transform can be started; this one is in `stage`."""

    def __init__(self, name: str, stage: str) -> None:
        super().__init__(name, stage)
        self.name = name
        self.stage = stage


class InitFailed(EtlError):
    """The server did not come up. The transform stays, Aborted, with its log; `message` ends with the tail of that."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message


class NotStopped(EtlError):
    """The server is still there `seconds` after it was told to stop; the transform takes no more requests."""

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(name, seconds)
        self.name = name
        self.seconds = seconds


class TransformFailed(EtlError):
    """One object could not be transformed. Raised by open, or from the stream when the result breaks off."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message


class TransformBroken(TransformFailed):
    """The server could not be reached, died over the object, broke its answer off, or spoke no HTTP."""

    def __init__(self, reason: str) -> None:
        super().__init__(BAD_GATEWAY, f"ETL error: {reason}")


class TransformTimeout(TransformFailed):
    """The server did not answer in full within the transform's obj_timeout, which is given as the user wrote it."""

    def __init__(self, timeout: str) -> None:
        super().__init__(GATEWAY_TIMEOUT, f"ETL error: timeout: no complete answer within {timeout} (obj_timeout)")
