"""Objects on their way into local files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPResponse
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from appliance.terminal import checksums
from appliance.terminal.failures import Unwritable
from appliance.terminal.names import Place
from nativeapi.client import NativeClient, Unreachable
from nativeapi.client_http import PIECE

STDOUT = "-"
DEVICES = ("/dev/",)


@dataclass(frozen=True, slots=True)
class Download:
    place: Place
    path: Path
    size: int | None = None  # bytes, where it is known before
    member: str = ""  # of the archive that the object is; "" for all of it


@dataclass(frozen=True, slots=True)
class Way:
    """How an object becomes a file."""

    resume: bool = False  # leave alone what is here already, go on with what is here in part
    verify: bool = False  # compare with the object's checksum
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


@contextmanager
def writing(path: Path | str) -> Iterator[None]:
    """Within it an `OSError` is about the file."""
    try:
        yield
    except OSError as error:
        raise Unwritable(f"{path} cannot be written: {error.strerror or error}") from error


def download(client: NativeClient, task: Download, way: Way, received: Callable[[int], None]) -> int | None:
    """Read the object into the file, which is there under its name when it is whole, and not before.

    The bytes received; None when the file was here already. `Unwritable` when it cannot be written.
    """
    return resumed(client, task, way, received) if way.resume else whole(client, task, way, received)


def whole(client: NativeClient, task: Download, way: Way, received: Callable[[int], None]) -> int:
    path = task.path
    if str(path).startswith(DEVICES):
        with writing(path), path.open("wb") as device:
            return fetch(client, task, way, device, received)
    partial = path.with_name(f".{path.name[:200]}.{token_hex(4)}")
    try:
        with writing(path), partial.open("xb") as file:
            size = fetch(client, task, way, file, received)
        with writing(path):
            os.replace(partial, path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
    return size


def to_stdout(client: NativeClient, task: Download, way: Way) -> int:
    with writing("standard output"):
        size = fetch(client, task, way, sys.stdout.buffer, lambda count: None)
        sys.stdout.buffer.flush()
    return size


def fetch(
    client: NativeClient, task: Download, way: Way, file: BinaryIO, received: Callable[[int], None], start: int = 0
) -> int:
    """Append the object's bytes from `start` on to the file; how many they were."""
    headers = {**way.headers, **({"Range": f"bytes={start}-"} if start else {})}
    query = {**task.place.bucket.query, **way.query, **({"archpath": task.member} if task.member else {})}
    with client.open("GET", task.place.path, query=query, headers=headers) as reply:
        hasher = checksums.hasher(reply.getheader("Ais-Checksum-Type", "")) if way.verify else None
        count = 0
        try:
            for piece in received_pieces(client, reply):
                with writing(task.path):
                    file.write(piece)
                if hasher is not None:
                    hasher.update(piece)
                count += len(piece)
                received(len(piece))
            if hasher is not None and hasher.digest().hex() != reply.getheader("Ais-Checksum-Value", ""):
                raise Unwritable(f"{task.place.uri} came damaged: its checksum is another")
        except BaseException:
            received(-count)
            raise
    return count


def received_pieces(client: NativeClient, reply: HTTPResponse) -> Iterator[bytes]:
    while piece := reply.read(PIECE):
        yield piece
    if reply.length:
        raise Unreachable(f"{client.endpoint}: the reply broke off, {reply.length} bytes are missing")


def resumed(client: NativeClient, task: Download, way: Way, received: Callable[[int], None]) -> int | None:
    """What is missing of the object is read; the part that is here is kept beside the file when that fails, too.

    A part is named by the object's checksum, so that parts of two versions never meet; an object without one is read
    from its beginning.
    """
    headers = client.head(task.place.path, query={**task.place.bucket.query, "props": "size,checksum"})
    size = int(headers.get("Content-Length") or 0)
    kind, value = headers.get("Ais-Checksum-Type", ""), headers.get("Ais-Checksum-Value", "")
    path = task.path
    if checksums.same(path, size, kind, value):
        received(size)
        return None
    if not value:
        return whole(client, task, way, received)
    with writing(path):
        partial = path.with_name(f".{path.name[:150]}.{value}.part")
        with partial.open("ab") as file:
            start = file.tell()
            received(min(start, size))
            moved = fetch(client, task, way, file, received, start) if start < size else 0
    if not checksums.same(partial, size, kind, value):
        partial.unlink()
        raise Unreachable(f"{client.endpoint}: {task.place.uri} has changed while it was read")
    with writing(path):
        os.replace(partial, path)
    return moved


def inside(folder: Path, key: str) -> Path:
    """Where an object of this name lies below the folder; `Unwritable` for a name that leads out of it."""
    parts = key.split("/")
    if key.startswith("/") or any(part in ("", ".", "..") for part in parts) or "\0" in key:
        raise Unwritable(f"{key!r} cannot be a file below {folder}; get it alone, with a name for the file")
    return folder.joinpath(*parts)
