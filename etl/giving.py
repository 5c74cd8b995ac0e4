"""How an object is given to a transform's server: as bytes, as the name of a file, or as a name to ask the node for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from storage.content import Content
from storage.records import Bucket
from storage.source import Source, close_content

from etl.files import Shown
from etl.grants import granted
from etl.records import Transform
from etl.spec import HPULL


class Given(NamedTuple):
    """An object on its way to a server; to be closed when that has answered in full."""

    content: Content | Iterator[bytes]  # to be sent; b"" when the server gets it otherwise
    size: int | None  # of `content`, in bytes; None: not known
    name: str  # by which the server may get the object from the node, "" when it is not meant to
    file: str  # the path of a file that is the object, "" when there is none
    held: object  # what must be closed

    def close(self) -> None:
        close_content(self.held)


def give(
    transform: Transform, bucket: Bucket, key: str, source: Source, *, folder: Callable[[str], Path], now: int
) -> Given:
    """`folder` tells where files for the server of a job may be put; `now` is ns since the epoch."""
    spec = transform.spec
    pulled = spec.communication == HPULL
    name = granted(transform, bucket, key, now=now) if pulled else ""
    if spec.file_names:
        shown = Shown(folder(transform.job), key, source)
        return Given(b"", 0, name, str(shown.path), shown)
    if pulled:
        return Given(b"", 0, name, "", None)
    content = source.content()
    return Given(content, source.size, name, "", content)
