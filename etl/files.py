"""Objects given to transforms' servers by the names of files.

The file is called as the object's last component and lies in a folder of its own that the server can read: a hard link
where the object is one file of the same filesystem, else a private copy. It holds one version of the object, all of it,
until it is closed.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from storage.content import READ_SIZE, Content, Segment, Segments
from storage.errors import Corrupt
from storage.source import Source, close_content
from storage.threads import start

from etl.errors import TransformBroken

LONGEST_NAME = 255  # bytes
UNNAMED = "object"  # whose name ends with a slash, or could mean another place
PIECE = 1024 * 1024  # bytes


class Shown:
    """An object as a file. Whoever made it closes it; closing twice is fine."""

    __slots__ = ("path",)

    def __init__(self, folder: Path, key: str, source: Source) -> None:
        """`folder` is the transform's; `TransformBroken` when that is gone, because its server is."""
        own = folder / secrets.token_hex(8)
        self.path = own / base_name(key)
        try:
            with suppress(FileExistsError):
                folder.mkdir()
            own.mkdir()
        except FileNotFoundError as error:
            raise TransformBroken("the transform does not run any more") from error
        try:
            content = source.content()
            try:
                start(put, content, self.path).get()
            finally:
                close_content(content)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        with suppress(FileNotFoundError):
            self.path.unlink()
        with suppress(FileNotFoundError):
            self.path.parent.rmdir()


def base_name(key: str) -> str:
    """The last component of a key as a file's name; of one that is too long its end, where the extension is."""
    name = key.rpartition("/")[2]
    if name in ("", ".", "..") or "\0" in name:
        return UNNAMED
    return name.encode()[-LONGEST_NAME:].decode(errors="ignore")


def put(content: Content | Iterator[bytes], path: Path) -> None:
    if isinstance(content, Segments):
        if len(content.items) != 1 or not linked(content.items[0], path):
            written(path, lambda file: copied(content.items, file))
        return

    def all_pieces(file: int) -> None:
        for piece in (content,) if isinstance(content, bytes) else content:
            write(file, piece)

    written(path, all_pieces)


def linked(segment: Segment, path: Path) -> bool:
    """Whether the file could be linked there: it is all of the object, and not on another filesystem."""
    if segment.offset or os.fstat(segment.fd).st_size != segment.length:
        return False
    try:
        os.link(f"/proc/self/fd/{segment.fd}", path)
    except OSError:  # another filesystem, the most links that a file may have, or a file that was just deleted
        return False
    return True


def written(path: Path, write: Callable[[int], None]) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
    try:
        write(file)
    finally:
        os.close(file)


def write(file: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(file, view):]


def copied(segments: list[Segment], file: int) -> None:
    for fd, offset, length in segments:
        while length:
            taken = copied_piece(fd, offset, min(length, PIECE), file)
            if not taken:
                raise Corrupt(f"descriptor {fd} ends at {offset}")
            offset, length = offset + taken, length - taken


def copied_piece(fd: int, offset: int, length: int, file: int) -> int:
    try:
        return os.copy_file_range(fd, file, length, offset)
    except OSError:  # not between these filesystems
        piece = os.pread(fd, min(length, READ_SIZE), offset)
        write(file, piece)
        return len(piece)
