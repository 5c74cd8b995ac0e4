"""Local files on their way into objects."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import click

from appliance.terminal import checksums
from appliance.terminal.names import Place
from appliance.terminal.selection import checked, listed
from nativeapi.client import NativeClient, Refused, Unreachable
from nativeapi.client_http import Body, FilePart, Unreadable

GLOB = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Upload:
    path: Path
    place: Place
    size: int  # bytes, when it was looked at


@dataclass(frozen=True, slots=True)
class Way:
    """How a file becomes an object."""

    resume: bool = False  # leave alone what is there with the same size and checksum
    checksum: str = ""  # the kind to compute here and let the node compare; "" for none
    chunk: int = 0  # bytes of a part; 0 for one request, whatever the size
    workers: int = 1  # parts of a file at a time
    query: tuple[tuple[str, str], ...] = ()


def upload(client: NativeClient, task: Upload, way: Way, sent: Callable[[int], None]) -> int | None:
    """Store the file. The bytes sent; None when the object was there already. `Unreadable` when it cannot be read."""
    check(task)
    if way.resume and is_there(client, task):
        sent(task.size)
        return None
    if way.chunk and task.size > way.chunk:
        return checked_parts(client, task, way, sent)
    headers = {}
    if way.checksum:
        value = checksums.of_file(task.path, way.checksum)
        headers = {"Ais-Checksum-Type": way.checksum, "Ais-Checksum-Value": value}
    body = FilePart(task.path, 0, task.size, sent)
    query = {**task.place.bucket.query, **dict(way.query)}
    client.text("PUT", task.place.path, query=query, body=body, headers=headers)
    return task.size


def checked_parts(client: NativeClient, task: Upload, way: Way, sent: Callable[[int], None]) -> int:
    size = in_parts(client, task.place, parts_of(task, way.chunk, sent), way.workers)
    if way.checksum and not is_there(client, task):
        raise Unreadable(f"{task.place.uri} is not what was sent: its checksum is another")
    return size


def is_there(client: NativeClient, task: Upload) -> bool:
    query = {**task.place.bucket.query, "props": "size,checksum"}
    try:
        headers = client.head(task.place.path, query=query)
    except Refused as error:
        if error.status != 404:
            raise
        return False
    kind, value = headers.get("Ais-Checksum-Type", ""), headers.get("Ais-Checksum-Value", "")
    return checksums.same(task.path, int(headers.get("Content-Length") or -1), kind, value)


def parts_of(task: Upload, chunk: int, sent: Callable[[int], None]) -> Iterator[Body]:
    for start in range(0, task.size, chunk):
        yield FilePart(task.path, start, min(chunk, task.size - start), sent)


def in_parts(client: NativeClient, place: Place, parts: Iterable[Body], workers: int = 1) -> int:
    """Store the parts as one object, `workers` of them at a time; its size.

    Nothing is seen of it before all are there; a failure leaves nothing.
    """
    query = place.bucket.query
    query |= {"uploadId": client.act("POST", place.path, "mpt-upload", query=query)}

    def send(number: int, body: Body) -> int:
        client.text("PUT", place.path, query={**query, "partNumber": str(number)}, body=body)
        return body.length

    try:
        with ThreadPoolExecutor(workers) as pool:
            sizes = list(in_step(pool, send, parts, workers))
        done = [{"part-number": number, "etag": ""} for number in range(1, len(sizes) + 1)]
        client.act("POST", place.path, "mpt-complete", done, query=query)
    except BaseException:
        with suppress(Refused, Unreachable):
            client.act("DELETE", place.path, "mpt-abort", query=query)
        raise
    return sum(sizes)


def in_step(
    pool: ThreadPoolExecutor, send: Callable[[int, Body], int], parts: Iterable[Body], workers: int
) -> Iterator[int]:
    """The results of sending each part, in order. A part is asked for when one before it is on its way, not earlier."""
    pending: deque[Future[int]] = deque()
    try:
        for number, body in enumerate(parts, 1):
            pending.append(pool.submit(send, number, body))
            if len(pending) > workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise


@dataclass(frozen=True, slots=True)
class Source:
    """What the command line names of local files."""

    where: str  # a file, a directory, DIRECTORY/PATTERN
    recursive: bool
    include_directory: bool
    names: str  # --list
    template: str

    def files(self) -> Iterator[tuple[Path, str]]:
        """Each file and the name that its object gets behind the prefix. `UsageError` when there is no such file."""
        if self.template:
            yield from self._templated()
        elif self.names:
            folder = Path(self.where or ".")
            yield from ((folder / name, name.lstrip("/")) for name in listed(self.names))
        else:
            yield from self._found()

    @property
    def is_one_file(self) -> bool:
        return not (self.template or self.names) and Path(self.where).is_file()

    def _templated(self) -> Iterator[tuple[Path, str]]:
        from storage import templates

        parsed = templates.parse(checked(os.path.join(self.where, self.template)))
        folder = parsed.prefix.rpartition("/")[0]
        if parsed.counted:
            names: Iterator[str] = parsed.names()
        else:
            matches = parsed.matcher()
            names = (str(path) for path in sorted(Path(folder or ".").iterdir()) if matches(str(path)))
        for name in names:
            yield Path(name), name[len(folder) :].lstrip("/")

    def _found(self) -> Iterator[tuple[Path, str]]:
        path = Path(self.where)
        if path.is_file():
            yield path, path.name
        elif path.is_dir():
            lead = f"{path.resolve().name}/" if self.include_directory else ""
            yield from ((found, lead + name) for found, name in walked(path, "*", self.recursive))
        elif GLOB & set(path.name) and path.parent.is_dir():
            yield from walked(path.parent, path.name, self.recursive)
        else:
            raise click.UsageError(f"{self.where} is no file and no directory")


def walked(folder: Path, pattern: str, recursive: bool) -> Iterator[tuple[Path, str]]:
    """The files of a directory, in order; names are relative to it. Links to directories are not followed."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if recursive:
                for path, name in walked(Path(entry.path), pattern, recursive):
                    yield path, f"{entry.name}/{name}"
        elif entry.is_file() and fnmatch(entry.name, pattern):
            yield Path(entry.path), entry.name


def planned(source: Source, target: Place) -> Iterator[Upload]:
    """The uploads that the source means. Of a file that cannot be read the size is -1, and `upload` tells why."""
    one = source.is_one_file
    prefix = target.key
    if prefix and not prefix.endswith("/") and not one:
        prefix += "/"
    for path, name in source.files():
        key = prefix if one and prefix and not prefix.endswith("/") else prefix + name
        yield Upload(path, target.sibling(key), size_of(path))


def size_of(path: Path) -> int:
    try:
        found = path.stat()
    except OSError:
        return -1
    return found.st_size if stat.S_ISREG(found.st_mode) else -1


def check(task: Upload) -> None:
    """`Unreadable` says what keeps the file from being sent."""
    try:
        task.place.key.encode()
        if not stat.S_ISREG(task.path.stat().st_mode):
            raise Unreadable("it is no file")
    except UnicodeEncodeError:
        raise Unreadable("it cannot be an object: its name is not UTF-8") from None
    except OSError as error:
        raise Unreadable(f"it cannot be read: {error.strerror}") from error
