"""The kinds of jobs: AIStore's, which are named as the actions that start them, and those of this node."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto

LINGER = 5.0  # seconds that an idle job stays, so that later requests can join it


class Trait(Flag):
    """What clients may do with a kind, and how AIStore shows it."""

    GLOBAL = auto()  # of the whole node
    BUCKET = auto()  # of a bucket
    TARGET = auto()  # of one target
    STARTABLE = auto()  # by the generic start
    IDLES = auto()  # stays for `LINGER` seconds after its work; requests with the same buckets join it
    ATTENDED = auto()  # its work is done within requests; the job is the account of it
    NUMBERED = auto()  # its jobs' ids are the prefix and a number
    UNTRACKED = auto()  # AIStore knows no status of it, snapshots only


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job."""

    name: str
    traits: Trait
    display: str = ""  # AIStore's other name for it; "" when it has none
    prefix: str = ""  # of its jobs' ids


G, B, T, S = Trait.GLOBAL, Trait.BUCKET, Trait.TARGET, Trait.STARTABLE
I, A, N, U = Trait.IDLES, Trait.ATTENDED, Trait.NUMBERED, Trait.UNTRACKED

ROWS = (
    Kind("election", G | U, "elect-primary"),
    Kind("rebalance", G | S | N, prefix="g"),
    Kind("etl-inline", G, prefix="etl-"),
    Kind("lru", G | B | S, "lru-eviction"),
    Kind("cleanup-store", G | B | S, "cleanup"),
    Kind("summary-bck", G | B | U, "summary"),
    Kind("summary-shard", B | U, "shard-summary"),
    Kind("resilver", T | S | U),
    Kind("rechunk", B | S),
    Kind("index-shard", B, "shard-index"),
    Kind("ec-get", B | I | U),
    Kind("ec-put", B | I | U),
    Kind("ec-resp", B | I | U),
    Kind("put-copies", B | I | U),
    Kind("archive", B | I | U, prefix="arc-"),
    Kind("copy-listrange", B | I | U, "copy-objects", prefix="tco-"),
    Kind("etl-listrange", B | I | U, "etl-objects", prefix="tco-"),
    Kind("blob-download", B | S | U),
    Kind("download", G, prefix="dnl-"),
    Kind("dsort", B | U, prefix="srt-"),
    Kind("promote", B, "promote-files"),
    Kind("evict-listrange", B, "evict-objects"),
    Kind("evict-remote-bck", B | U, "evict-remote-bucket"),
    Kind("delete-listrange", B, "delete-objects"),
    Kind("prefetch-listrange", B | S, "prefetch-objects"),
    Kind("ec-encode", B | S, "ec-bucket"),
    Kind("make-n-copies", B | S, "mirror"),
    Kind("move-bck", B, "rename-bucket"),
    Kind("copy-bck", B, "copy-bucket"),
    Kind("etl-bck", B, "etl-bucket"),
    Kind("list", B | I | A | U),
    Kind("get-batch", G | B | I | A | U, prefix="gbt-"),
    Kind("create-inventory", B, prefix="inv-"),
    Kind("load-lom-cache", B | S | U, "warm-up-metadata"),
    # of this node
    Kind("destroy-bck", B, "destroy-bucket"),
)
KINDS = {row.name: row for row in ROWS}
assert len(KINDS) == len(ROWS), "a kind is declared twice"
CALLED = KINDS | {row.display: row for row in ROWS if row.display}  # by either name
assert len(CALLED) == len(KINDS) + sum(bool(row.display) for row in ROWS), "a display name is another kind's name"
