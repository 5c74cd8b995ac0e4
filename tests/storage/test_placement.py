"""Keys are spread evenly over the volumes, and each stays where it is."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from storage.blobs import Blobs
from storage.engines.memory import MemoryIndex
from storage.errors import VolumeFailed
from storage.keys import object_key
from storage.space import Space
from storage.volume import MissingVolume, Partitions, Volume

KEYS = [object_key(7, f"directory/{number}.jpg") for number in range(12_000)]


def volumes(count: int) -> list[Volume]:
    ids = random.Random(count)
    return [
        Volume(
            ids.randbytes(16).hex(), Path(str(number)), index=MemoryIndex(),
            blobs=Blobs(Path(str(number)), durable=False), space=Space(Path(), reserve=0),
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_each_volume_gets_its_share(count: int) -> None:
    partitions = Partitions(volumes(count))
    shares = Counter(partitions.of(key).id for key in KEYS)
    assert len(shares) == count
    assert all(abs(share * count / len(KEYS) - 1) < 0.1 for share in shares.values())


def test_a_missing_volume_moves_no_key() -> None:
    present = volumes(4)
    whole, partial = Partitions(present), Partitions([MissingVolume(present[0].id, present[0].path), *present[1:]])
    for key in KEYS[:2000]:
        volume = whole.of(key)
        if volume is present[0]:
            with pytest.raises(VolumeFailed):
                partial.of(key)
        else:
            assert partial.of(key) is volume
    with pytest.raises(VolumeFailed):
        partial.all()
    assert (whole.complete, partial.complete, partial.primary) == (True, False, present[1])
