"""The transforms in the node's catalog: read and changed by all processes, every change by compare-and-set."""

from __future__ import annotations

from collections.abc import Callable

from storage.catalog import Catalog, Changed

from etl.errors import NoSuchTransform, TransformExists
from etl.records import KIND, TRANSFORMS, Transform


class TransformCatalog:
    """Transforms by name. Changes are durable, and seen by every process, when a call returns."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._decoded: dict[str, tuple[bytes, Transform]] = {}

    def get(self, name: str) -> Transform:
        """The transform as it is now; `NoSuchTransform`."""
        raw = self._catalog.get(KIND, name)
        if raw is None:
            raise NoSuchTransform(name)
        return self._decode(name, raw)

    def all(self) -> list[Transform]:
        """By name."""
        transforms = [self._decode(name, raw) for name, raw in self._catalog.all(KIND)]
        if len(self._decoded) > len(transforms):
            self._decoded = {transform.name: self._decoded[transform.name] for transform in transforms}
        return transforms

    def add(self, transform: Transform) -> None:
        """`TransformExists` when the name is taken."""
        try:
            self._catalog.put(KIND, transform.name, TRANSFORMS.encode(transform), expected=None)
        except Changed as taken:
            raise TransformExists(transform.name) from taken

    def change(self, name: str, change: Callable[[Transform], Transform]) -> Transform:
        """Replace the transform by what `change` makes of it, and return that.

        `change` is called again when another process was faster; it may raise, or return the same to leave it.
        """
        while True:
            before = self._catalog.get(KIND, name)
            if before is None:
                raise NoSuchTransform(name)
            current = TRANSFORMS.decode(before)
            wanted = change(current)
            if wanted == current:
                return current
            try:
                self._catalog.put(KIND, name, TRANSFORMS.encode(wanted), expected=before)
                return wanted
            except Changed:
                continue

    def remove(self, transform: Transform) -> None:
        """Take away exactly this one; `NoSuchTransform` when it is gone or has changed."""
        try:
            self._catalog.delete(KIND, transform.name, expected=TRANSFORMS.encode(transform))
        except Changed as changed:
            raise NoSuchTransform(transform.name) from changed

    def _decode(self, name: str, raw: bytes) -> Transform:
        known = self._decoded.get(name)
        if known is None or known[0] != raw:
            known = self._decoded[name] = (raw, TRANSFORMS.decode(raw))
        return known[1]
