"""Progress bars, on standard error. `rich` is imported when one is shown, and not before: it takes 70 ms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


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
            progress.DownloadColumn(binary_units=True),
            progress.TransferSpeedColumn(),
            progress.TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._of: int | None = None
        self._objects = 0
        self._task = self._progress.add_task(label, total=None, objects="")

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
        self._progress.update(self._task, completed=size, objects=self._text())

    def add(self, objects: int, size: int) -> None:
        self._objects += objects
        self._progress.update(self._task, advance=size, objects=self._text())

    def _text(self) -> str:
        return f"{self._objects:,} objects" if self._of is None else f"{self._objects:,}/{self._of:,} objects"


@contextmanager
def meter(label: str, shown: bool) -> Iterator[Meter]:
    """A bar when one is to be shown, else nothing."""
    if not shown:
        yield Silent()
        return
    with Bar(label) as bar:
        yield bar
