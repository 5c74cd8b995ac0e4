"""Progress bars, on standard error. `rich` is imported when one is shown, and not before: it takes 70 ms."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from appliance.terminal.output import size as shown


class Meter(Protocol):
    """What hears about progress; threads may share it."""

    def expect(self, objects: int | None, size: int | None) -> None:
        """How many objects and bytes there are in all; None for what is not known."""

    def reach(self, objects: int, size: int) -> None:
        """So many objects and bytes are done in all."""

    def add(self, objects: int, size: int) -> None:
        """So many more; bytes of a failed attempt are taken back with a negative number."""


class Silent:
    """Nobody looks."""

    def expect(self, objects: int | None, size: int | None) -> None: ...

    def reach(self, objects: int, size: int) -> None: ...

    def add(self, objects: int, size: int) -> None: ...


class Bar:
    """A line that says how many objects and bytes are done, how fast, and how long it will take."""

    def __init__(self, label: str) -> None:
        from rich.console import Console
        from rich import progress

        self._progress = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TextColumn("{task.fields[objects]}"),
            progress.TextColumn("{task.fields[bytes]}"),
            progress.TimeRemainingColumn(elapsed_when_finished=True),
            console=Console(stderr=True),
        )
        self._of: int | None = None
        self._objects = 0
        self._bytes = 0
        self._begun = time.monotonic()
        self._task = self._progress.add_task(label, total=None, objects="", bytes="")

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._progress.stop()

    def expect(self, objects: int | None, size: int | None) -> None:
        self._of = objects
        self._progress.update(self._task, total=size)

    def reach(self, objects: int, size: int) -> None:
        self._objects = objects
        self._bytes = size
        self._show()

    def add(self, objects: int, size: int) -> None:
        self._objects += objects
        self._bytes += size
        self._show()

    def _show(self) -> None:
        of = "" if self._of is None else f"/{self._of:,}"
        seconds = max(time.monotonic() - self._begun, 0.001)
        moved = f"{shown(self._bytes)}, {shown(int(self._bytes / seconds))}/s"
        self._progress.update(
            self._task, completed=self._bytes, objects=f"{self._objects:,}{of} objects", bytes=moved
        )


@contextmanager
def meter(label: str, shown: bool) -> Iterator[Meter]:
    """A bar when one is to be shown, else nothing."""
    if not shown:
        yield Silent()
        return
    with Bar(label) as bar:
        yield bar
