"""A volume: one directory of one filesystem with an index and blobs, self-contained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xxhash import xxh3_64_intdigest

from storage.blobs import Blobs
from storage.errors import VolumeFailed
from storage.index import Index
from storage.space import Space


class Volume:
    """An open volume; `id` is 32 hexadecimal digits, `close` closes its index."""

    __slots__ = ("blobs", "id", "index", "path", "space")

    def __init__(self, volume_id: str, path: Path, *, index: Index, blobs: Blobs, space: Space) -> None:
        self.id = volume_id
        self.path = path
        self.index = index
        self.blobs = blobs
        self.space = space

    def close(self) -> None:
        self.index.close()


class MissingVolume:
    """A volume of the set that the node was told to start without."""

    __slots__ = ("id", "path")

    def __init__(self, volume_id: str, path: Path) -> None:
        self.id = volume_id
        self.path = path  # where it was last

    def failure(self) -> VolumeFailed:
        return VolumeFailed(self.path, "the volume is missing")


class Partitions:
    """The node's set of volumes, of which each holds the partition of the keys that hash to it.

    The set includes missing volumes, so that keys keep their places: what is on those is unavailable, not absent.
    """

    def __init__(self, volumes: Sequence[Volume | MissingVolume]) -> None:
        self._all = tuple(volumes)
        self._seeds = tuple((int(volume.id[:16], 16), volume) for volume in volumes)
        self.present = tuple(volume for volume in volumes if isinstance(volume, Volume))
        self.missing = tuple(volume for volume in volumes if isinstance(volume, MissingVolume))
        self._only = self.present[0] if len(volumes) == 1 else None

    @property
    def complete(self) -> bool:
        """Whether no volume is missing."""
        return len(self.present) == len(self._all)

    @property
    def primary(self) -> Volume:
        """The first of the set that is present."""
        return self.present[0]

    def of(self, object_key: bytes) -> Volume:
        """The volume of an object's key (as `storage.keys.object_key` writes it), by rendezvous hashing.

        `VolumeFailed` when that volume is missing.
        """
        if self._only is not None:
            return self._only
        best = -1
        for seed, volume in self._seeds:
            weight = xxh3_64_intdigest(object_key, seed)
            if weight > best:
                best, chosen = weight, volume
        if isinstance(chosen, MissingVolume):
            raise chosen.failure()
        return chosen

    def all(self) -> tuple[Volume, ...]:
        """Every volume of the set; `VolumeFailed` when one is missing."""
        for volume in self._all:
            if isinstance(volume, MissingVolume):
                raise volume.failure()
        return self.present

    def close(self) -> None:
        for volume in self.present:
            volume.close()
