"""The store: everything that a process of the node needs to serve buckets and objects."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from storage.appends import Appends
from storage.archives.shards import Shards
from storage.blobs import Blobs
from storage.buckets import Buckets
from storage.catalog import Catalog, reconcile
from storage.completion import MINIMUM_PART_SIZE
from storage.engines.lmdb import Durability, LmdbIndex
from storage.index import Index
from storage.intake import Intake
from storage.layout import BLOBS, INDEX, Layout, Place
from storage.markers import Markers
from storage.objects import Objects
from storage.space import Space
from storage.uploads import Uploads
from storage.volume import MissingVolume, Partitions, Volume
from storage.writer import Writer


@dataclass(frozen=True, slots=True)
class Options:
    """What may differ between nodes."""

    inline_limit: int = 32 * 1024  # bytes; larger objects lie in files
    reserve: int = 64 * 1024 * 1024  # bytes of each filesystem that only deletions may use
    minimum_part_size: int = MINIMUM_PART_SIZE  # bytes, of every part of an upload but the last
    durability: Durability = Durability.SYNCED


class Store:
    """Buckets, objects, uploads and the catalog over the volumes of a set. Close it after use; a context manager.

    Each process opens its own, after the fork. `clock` gives ns since the epoch, `random(n)` n unpredictable bytes;
    `open_index` opens the index in a folder of a volume.
    """

    def __init__(
        self,
        layout: Layout,
        options: Options = Options(),
        *,
        clock: Callable[[], int] = time.time_ns,
        random: Callable[[int], bytes] = os.urandom,
        open_index: Callable[[Path], Index] | None = None,
    ) -> None:
        self.partitions = Partitions(_volumes(layout, options, random, open_index or _lmdb(options)))
        reconcile([volume.index for volume in self.partitions.present])
        markers = Markers(self.partitions, clock=clock, random=random)
        writer = Writer(markers)
        intake = Intake(inline_limit=options.inline_limit)
        self.node = layout.node
        self.catalog = Catalog(self.partitions)
        self.buckets = Buckets(self.partitions, self.catalog, markers, clock=clock, random=random)
        self.objects = Objects(self.partitions, writer, intake, clock=clock)
        self.shards = Shards(self.partitions, self.objects)
        self.uploads = Uploads(
            self.partitions, writer, intake, clock=clock, random=random, minimum_part_size=options.minimum_part_size
        )
        self.appends = Appends(
            self.objects, self.partitions, writer, intake, clock=clock, random=random, inline_limit=options.inline_limit
        )

    def close(self) -> None:
        self.partitions.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _lmdb(options: Options) -> Callable[[Path], Index]:
    return lambda folder: LmdbIndex(folder, durability=options.durability)


def _volumes(
    layout: Layout, options: Options, random: Callable[[int], bytes], open_index: Callable[[Path], Index]
) -> list[Volume | MissingVolume]:
    """The set opened; when one cannot be, those before it are closed again."""
    opened: list[Volume | MissingVolume] = []
    try:
        for place in layout.places:
            opened.append(_volume(place, options, random, open_index))
    except BaseException:
        for volume in opened:
            if isinstance(volume, Volume):
                volume.close()
        raise
    return opened


def _volume(
    place: Place, options: Options, random: Callable[[int], bytes], open_index: Callable[[Path], Index]
) -> Volume | MissingVolume:
    if not place.present:
        return MissingVolume(place.id, place.path)
    return open_volume(place, options, random=random, open_index=open_index)


def open_volume(
    place: Place,
    options: Options,
    *,
    random: Callable[[int], bytes] = os.urandom,
    open_index: Callable[[Path], Index] | None = None,
) -> Volume:
    """A volume that is there."""
    open_index = open_index or _lmdb(options)
    return Volume(
        place.id,
        place.path,
        index=open_index(place.path / INDEX),
        blobs=Blobs(place.path / BLOBS, durable=options.durability is Durability.SYNCED, random=random),
        space=Space(place.path, reserve=options.reserve),
    )
