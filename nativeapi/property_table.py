"""The properties of buckets: the table from which they are read, checked, shown and documented.

A property that this node does not act on is never accepted in silence: its row says whether it is kept as a parameter
of something that is off, or refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from nativeapi.kinds import Kind, choice, duration, flag, mask, size, text, whole
from storage import properties as stored
from storage.records import Value
from storage.rights import EVERYTHING

# Bits of `features` that a bucket may have. All of them are about remote backends or name what always holds here.
BUCKET_FEATURES: Final = sum(1 << bit for bit in (1, 4, 9, 11, 12, 14, 18, 21, 24))
# What a bucket does not take over from the cluster: flags of which it has some only, and the leave to evict.
OF_CLUSTER: Final = frozenset({"features", stored.EVICTED})
DISABLE_COLD_GET, STREAM_COLD_GET = 1 << 11, 1 << 12


class Effect(Enum):
    """What setting a property to something else than its default does here; the text is for the docs."""

    GOVERNS = "takes effect"
    KEPT = "kept and shown; a parameter of something that is off"
    REFUSED = "refused with 501: only the default can be set"
    REMOTE = "refused with 400: it is for buckets with a remote backend"
    READ_ONLY = "read-only"


@dataclass(frozen=True, slots=True)
class Property:
    """A row; `default` is as it is kept, `optional` ones are not shown while they have it."""

    name: str
    kind: Kind
    default: Value
    effect: Effect
    about: str
    optional: bool = False


def extra(name: str, kind: Kind, about: str, default: Value = "") -> Property:
    return Property(f"extra.{name}", kind, default, Effect.REMOTE, about, optional=True)


TABLE: Final = (
    Property("backend_bck.name", text(), "", Effect.REFUSED, "The bucket of a backend that this one caches."),
    Property("backend_bck.provider", text(), "", Effect.REFUSED, "Its provider."),
    Property("backend_bck.namespace.uuid", text(), "", Effect.REFUSED, "Its cluster."),
    Property("backend_bck.namespace.name", text(), "", Effect.REFUSED, "Its namespace."),
    Property("write_policy.data", choice("immediate", "delayed", "never"), "immediate", Effect.REFUSED,
             "When bytes reach the disk: before a write is acknowledged."),
    Property("write_policy.md", choice("immediate", "delayed", "never"), "immediate", Effect.REFUSED,
             "When metadata reach the disk: before a write is acknowledged."),
    Property("provider", text(), "ais", Effect.READ_ONLY, "The kind of bucket."),
    Property("Renamed", text(), "", Effect.READ_ONLY, "The name that the bucket is being given."),
    Property("checksum.type", choice(*sorted(stored.CHECKSUM_TYPES)), stored.XXHASH2, Effect.GOVERNS,
             "The checksum that each object gets as it is written, through S3 as well; objects keep theirs when this "
             "changes. One that S3 completes from parts gets it only if it is `crc32c`, which can be combined."),
    Property("checksum.validate_cold_get", flag(), False, Effect.REMOTE, "Verify what is fetched from a backend."),
    Property(stored.VALIDATES, flag(), False, Effect.GOVERNS, "Verify the bytes before each read or copy, which reads "
             "them once more; those that are damaged are not sent but answered with 500."),
    Property("checksum.validate_obj_move", flag(), False, Effect.REFUSED, "Verify when an object changes its disk."),
    Property("checksum.enable_read_range", flag(), False, Effect.REFUSED, "Show the checksum of a range read."),
    extra("aws.cloud_region", text(matching="[^ ]*"), "The region of the backend."),
    extra("aws.endpoint", text(matching="(https?://[^ ]+)?"), "The endpoint of the backend."),
    extra("aws.profile", text(matching="[^ ]*"), "The profile with the backend's credentials."),
    extra("aws.max_pagesize", whole(0, 10_000), "Keys a page of the backend's listings.", 0),
    extra("aws.multipart_size", size("0B", "5GiB"), "The size of the parts sent to the backend.", 0),
    extra("gcp.application_creds", text(), "The file with the backend's credentials."),
    extra("oci.region", text(matching="[^ ]*"), "The region of the backend."),
    Property("extra.custom", text(longest=1024), "", Effect.KEPT, "A note of the bucket's owner.", optional=True),
    Property("rate_limit.backend.interval", duration("1s", "1h"), 60 * 10**9, Effect.KEPT, "Calls of a backend: for "
             "how long tokens are counted."),
    Property("rate_limit.backend.max_tokens", whole(1, 2**31), 1000, Effect.KEPT, "How many calls in that time."),
    Property("rate_limit.backend.enabled", flag(), False, Effect.REMOTE, "Limit the calls of a backend."),
    Property("rate_limit.backend.num_retries", whole(1, 10), 3, Effect.KEPT, "How often a call is tried again."),
    Property(stored.INTERVAL, duration("1s", "1h"), stored.USUAL_INTERVAL, Effect.GOVERNS, "Requests: for how long "
             "tokens are counted."),
    Property(stored.TOKENS, whole(1, 2**31), stored.USUAL_TOKENS, Effect.GOVERNS, "How many requests in that time."),
    Property(stored.LIMITED, flag(), False, Effect.GOVERNS, "Limit the requests on the bucket's objects: others are "
             "answered 429, through S3 503 SlowDown. Each worker has an equal part of the tokens."),
    Property(stored.BURST, whole(1, 2**30), stored.USUAL_BURST, Effect.GOVERNS, "How many of them at once; at most "
             "half of `max_tokens`."),
    Property("ec.compression", choice("never", "always"), "never", Effect.KEPT, "Compress what nodes send each other."),
    Property("ec.bundle_multiplier", whole(1, 16), 2, Effect.KEPT, "Streams between two nodes."),
    Property("ec.burst_buffer", whole(32, 10_000), 512, Effect.KEPT, "Objects that may wait to be encoded."),
    Property("ec.objsize_limit", whole(-1, 2**63 - 1), 262_144, Effect.KEPT, "Smaller objects are replicated."),
    Property("ec.data_slices", whole(1, 32), 2, Effect.KEPT, "Slices that an object is cut into."),
    Property("ec.parity_slices", whole(1, 32), 2, Effect.KEPT, "Slices that may be lost."),
    Property("ec.enabled", flag(), False, Effect.REFUSED, "Erasure coding over several nodes."),
    Property("ec.disk_only", flag(), False, Effect.KEPT, "Encode from disk, not from memory."),
    Property("chunks.objsize_limit", size("0B", "1TiB"), 0, Effect.REFUSED, "Chunk larger objects; 0: none."),
    Property("chunks.max_monolithic_size", size("1GiB", "1TiB"), 1 << 40, Effect.REFUSED, "The largest object in one "
             "piece."),
    Property("chunks.chunk_size", size("1KiB", "5GiB"), 1 << 30, Effect.KEPT, "The size of a chunk."),
    Property("chunks.checkpoint_every", whole(0, 1024), 0, Effect.KEPT, "Chunks between two checkpoints of an upload: "
             "every part is durable when it is acknowledged.", optional=True),
    Property("chunks.flags", mask(), 0, Effect.REFUSED, "Of chunked objects.", optional=True),
    Property("mirror.copies", whole(2, 32), 2, Effect.KEPT, "How many disks hold each object."),
    Property("mirror.burst_buffer", whole(1, 2**31), 512, Effect.KEPT, "Objects that may wait to be copied."),
    Property("mirror.enabled", flag(), False, Effect.REFUSED, "Keep each object on several disks."),
    Property(stored.SAFE_TIME, duration("1h"), stored.SAFE, Effect.GOVERNS, "For how long after its last write an "
             "object is not evicted."),
    Property("lru.capacity_upd_time", duration("10s"), 600 * 10**9, Effect.KEPT, "How often room is looked at, which "
             "the cluster's configuration says for all buckets."),
    Property(stored.EVICTION_BATCH, whole(1024, 524_288), stored.BATCH, Effect.GOVERNS, "Objects weighed at a time."),
    Property(stored.EVICTED, flag(), False, Effect.GOVERNS, "Remove objects, those written longest ago first, while a "
             "volume is fuller than `space.highwm`, until it is at `space.lowwm`. There is no copy of them. Those "
             "that lie in the index (see the setting `inline_limit`) stay: no room would come back."),
    Property("access", mask(), EVERYTHING, Effect.GOVERNS, "The rights that the bucket lets through at all, as "
             "AIStore's bits; changing it takes the right SET-BUCKET-ACL as well."),
    Property("features", mask(BUCKET_FEATURES), 0, Effect.KEPT, "AIStore's flags. Those that a bucket can have are "
             "about backends and AIStore's own engine; nothing here depends on them. What Fsync-PUT asks for always "
             "holds."),
    Property("bid", text(), "", Effect.READ_ONLY, "The bucket's id."),
    Property("created", text(), "", Effect.READ_ONLY, "When the bucket was made, in nanoseconds since 1970."),
    Property(stored.NUMBERED, flag(), False, Effect.GOVERNS, "Count the versions of each object, from 1, through both "
             "doors; the bytes of earlier ones are not kept. On in buckets made through this API, off in those made "
             "through S3."),
    Property("versioning.validate_warm_get", flag(), False, Effect.REMOTE, "Compare with the backend's version."),
    Property("versioning.synchronize", flag(), False, Effect.REMOTE, "Remove what the backend has removed."),
)
PROPERTIES: Final = {row.name: row for row in TABLE}
assert len(PROPERTIES) == len(TABLE), "a property is declared twice"


HEAD: Final = """\
# Bucket properties

Made by `make bucket-properties` from the table in `nativeapi/property_table.py`.

What `ais bucket props show` shows and `ais bucket props set` sets. They govern both doors: an object written through S3
gets the bucket's checksum and version as one written through `/v1` does. A change holds for what is written afterwards.

| property | default | may be | here | what it is |
|---|---|---|---|---|
"""


def markdown() -> str:
    """The table as a page of the docs."""
    return HEAD + "".join(line(row) for row in TABLE)


def line(row: Property) -> str:
    shown = row.kind.show(row.default)
    default = str(shown).lower() if isinstance(shown, bool) else str(shown)
    accepts = "" if row.effect is Effect.READ_ONLY else row.kind.accepts
    return f"| `{row.name}` | {f'`{default}`' if default else ''} | {accepts} | {row.effect.value} | {row.about} |\n"
