"""Every value of AIStore's cluster configuration, in its order: kind, default, and what it does on this node."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from nativeapi.kinds import Kind, choice, duration, flag, mask, size, text, whole
from nativeapi.property_table import OF_CLUSTER, PROPERTIES
from nativeapi.property_table import Effect as Governs
from storage.records import Value


class Effect(Enum):
    """What changing a value does; the text is for the docs."""

    HERE = "takes effect"
    STORED = "kept and shown; it steers what this node has not, or does by itself"
    FIXED = "decided by the node's own settings; shown, and changed there"
    REFUSED = "refused: only the default can be set"


@dataclass(frozen=True, slots=True)
class Row:
    """A value by its dotted name, its default as it is shown; `note` says what the effect is, or what decides a fixed
    value."""

    name: str
    kind: Kind
    shown: object
    effect: Effect = Effect.STORED
    note: str = ""

    @property
    def default(self) -> Value:
        """As it is kept."""
        return self.kind.read(self.shown)


ANY = 2**63 - 1
LEVELS = "[0-5](,[a-z0-9-]+)*"  # and the modules that it holds for, if not for all
COMPRESSION = choice("never", "always")
PERCENT = whole(0, 100)
BUNDLE = whole(1, 16)
BURST = whole(0, 10000)
BATCH = whole(1024, 524288)
NEW_BUCKETS = "what a bucket made through this API from now on starts with"
OF_PROPERTIES = {
    Governs.GOVERNS: Effect.HERE,
    Governs.KEPT: Effect.HERE,
    Governs.REFUSED: Effect.REFUSED,
    Governs.REMOTE: Effect.REFUSED,
}


def streams(section: str, *, burst: int = 512, bundle: int = 2) -> tuple[Row, ...]:
    """How a job between nodes would send."""
    return (
        Row(f"{section}.compression", COMPRESSION, "never"),
        Row(f"{section}.bundle_multiplier", BUNDLE, bundle),
        Row(f"{section}.burst_buffer", BURST, burst),
    )


def heartbeat(member: str) -> tuple[Row, ...]:
    prefix = f"keepalivetracker.{member}"
    return (
        Row(f"{prefix}.name", choice("heartbeat"), "heartbeat"),
        Row(f"{prefix}.interval", duration("1s", "1m"), "10s"),
        Row(f"{prefix}.factor", whole(1, 10), 3),
    )


def of_buckets(*sections: str) -> tuple[Row, ...]:
    """The values that are properties of buckets, too: what new ones start with."""
    rows = (row for row in PROPERTIES.values() if row.name.startswith(sections) and not row.optional)
    return tuple(
        Row(row.name, row.kind, row.kind.show(row.default), effect, NEW_BUCKETS if effect is Effect.HERE else "")
        for row in rows
        for effect in [Effect.STORED if row.name in OF_CLUSTER else OF_PROPERTIES[row.effect]]
    )


def fixed(name: str, kind: Kind, default: object, note: str) -> Row:
    return Row(name, kind, default, Effect.FIXED, note)


JOBS = (
    *streams("tcb"),
    *streams("tco"),
    *streams("arch"),
    *streams("lso", burst=32, bundle=1),
    Row("lso.walk_buffer", BURST, 128),
    Row("lso.idle_time", duration("1s", "1h"), "20s"),
    Row("lso.quiescent", duration("1s", "1h"), "5s"),
)

TRAFFIC = (
    *of_buckets("rate_limit."),
    *heartbeat("proxy"),
    *heartbeat("target"),
    Row("keepalivetracker.num_retries", whole(1, 10), 3),
    Row("keepalivetracker.retry_factor", whole(1, 10), 4),
    *streams("rebalance", burst=1024),
    Row("rebalance.dest_retry_time", duration("1s", "10m"), "2m"),
    Row("rebalance.enabled", flag(), True),
)

LOG = (
    Row("log.level", text(matching=LEVELS), "3", Effect.HERE, "4 and 5 add the details that log_level = debug adds"),
    Row("log.max_size", size("1KiB", "1GiB"), "64MiB", Effect.HERE, "a file of the node's log is begun anew above it"),
    Row("log.max_total", size("1MiB", "10GiB"), "512MiB", Effect.HERE, "old files of the log are removed above it"),
    Row("log.flush_time", duration("0s", "1h"), "1m"),
    Row("log.stats_time", duration("0s", "10m"), "3m", Effect.HERE, "between two lines of sums in the log; 0s: none"),
    fixed("log.to_stderr", flag(), True, "the log goes to standard error and to its files"),
)

DATA = (
    *of_buckets("ec."),
    *streams("get_batch"),
    Row("get_batch.max_wait", duration("1s", "1m"), "20s"),
    Row("get_batch.warmup_workers", whole(-1, 10), -1),
    Row("get_batch.max_soft_errs", whole(0, 1024), 8),
    Row("get_batch.max_gfn", whole(0, 1024), 5),
    Row("space.cleanupwm", PERCENT, 65),
    Row("space.lowwm", PERCENT, 75, Effect.HERE, "an eviction ends when a volume is as empty as this"),
    Row("space.highwm", PERCENT, 90, Effect.HERE, "a fuller volume sets the flag for low capacity, starts evictions"),
    Row("space.out_of_space", PERCENT, 95, Effect.HERE, "a fuller volume sets the state flag for out of space"),
    Row("space.batch_size", BATCH, 32768),
    Row("space.dont_cleanup_time", duration("15m", "720h"), "2h0m"),
    Row("transport.max_header", whole(1024, 65536), 4096),
    Row("transport.burst_buffer", BURST, 1024),
    Row("transport.idle_teardown", duration("1s", "1h"), "4s"),
    Row("transport.quiescent", duration("8s", "1h"), "10s"),
    Row("transport.lz4_block", size("64KiB", "4MiB"), "256KiB"),
    Row("transport.lz4_frame_checksum", flag(), False),
)

DISKS = (
    Row("disk.disk_util_low_wm", PERCENT, 20),
    Row("disk.disk_util_high_wm", PERCENT, 80),
    Row("disk.disk_util_max_wm", PERCENT, 95),
    Row("disk.iostat_time_long", duration("2s", "1m"), "2s"),
    Row("disk.iostat_time_short", duration("10ms", "2s"), "100ms"),
    Row("disk.iostat_time_smooth", duration("1s", "1m"), "8s"),
    Row("fshc.test_files", whole(1, 1024), 4),
    Row("fshc.error_limit", whole(1, 1024), 2),
    Row("fshc.io_err_limit", whole(1, 1024), 10),
    Row("fshc.io_err_time", duration("1s", "1h"), "10s"),
    Row("fshc.enabled", flag(), True),
    *of_buckets("chunks.", "lru.", "mirror."),
)

TIMES = (
    Row("periodic.stats_time", duration("1s", "1m"), "10s"),
    Row("periodic.retry_sync_time", duration("10ms", "10s"), "2s"),
    Row("periodic.notif_time", duration("1s", "1m"), "30s"),
    Row("client.client_timeout", duration("1s", "30m"), "10s", Effect.HERE, "how long an attached cluster may think"),
    Row("client.client_long_timeout", duration("1s", "30m"), "5m"),
    Row("client.list_timeout", duration("1s", "30m"), "5m"),
    Row("downloader.timeout", duration("1s", "1h"), "1h0m", Effect.HERE, "how long a link of a download may take"),
)

DOORS = (
    fixed("auth.enabled", flag(), True, "whether requests need a token"),
    fixed("auth.client_auth_required", flag(), True, "whether requests need a token"),
    fixed("net.l4.proto", choice("tcp"), "tcp", "HTTP goes over TCP"),
    Row("net.l4.sndrcv_buf_size", whole(0, 2**30), 131072),
    fixed("net.http.server_crt", text(longest=4096), "", "tls_certificate"),
    fixed("net.http.server_key", text(longest=4096), "", "tls_key"),
    fixed("net.http.client_ca_tls", text(longest=4096), "", "clients show no certificates"),
    fixed("net.http.client_auth_tls", whole(0, 4), 0, "clients show no certificates"),
    Row("net.http.domain_tls", choice(""), ""),
    Row("net.http.idle_conn_time", duration("1s", "1h"), "6s"),
    Row("net.http.backend_idle_conn_time", duration("1s", "1h"), "6s"),
    Row("net.http.idle_conns_per_host", whole(0, 65536), 32),
    Row("net.http.idle_conns", whole(0, 65536), 256),
    Row("net.http.write_buffer_size", whole(0, 2**20), 0),
    Row("net.http.read_buffer_size", whole(0, 2**20), 0),
    fixed("net.http.use_https", flag(), False, "tls_certificate"),
    Row("net.http.skip_verify", flag(), False),
    Row("net.http.chunked_transfer", flag(), True),
    fixed("net.use_ipv6", flag(), False, "address"),
)

WAITS = (
    Row("timeout.cplane_operation", duration("10ms", "1m"), "2s"),
    Row("timeout.max_keepalive", duration("20ms", "1m"), "5s"),
    Row("timeout.max_host_busy", duration("10s", "10m"), "20s"),
    Row("timeout.startup_time", duration("30s", "1h"), "1m"),
    Row("timeout.join_startup_time", duration("1m", "2h"), "3m"),
    Row("timeout.send_file_time", duration("1m", "24h"), "5m"),
    Row("timeout.ec_streams_time", duration("1s", "24h"), "10m"),
    Row("timeout.object_md", duration("20m", "16h"), "2h0m"),
    Row("timeout.cold_get_conflict", duration("1s", "1m"), "5s"),
    Row("memsys.min_free", size("0B", "1TiB"), "2GiB"),
    Row("memsys.default_buf", size("4KiB", "128KiB"), "32KiB"),
    Row("memsys.to_gc", size("0B", "1TiB"), "4GiB"),
    Row("memsys.hk_time", duration("1s", "24h"), "3m"),
    Row("memsys.min_pct_total", PERCENT, 0),
    Row("memsys.min_pct_free", PERCENT, 0),
)

ROWS = (
    *of_buckets("write_policy.", "checksum."),
    *JOBS,
    *TRAFFIC,
    *LOG,
    *DATA,
    *DISKS,
    *TIMES,
    *DOORS,
    *WAITS,
    Row("features", mask(), "0"),
    Row("versioning.enabled", flag(), True, Effect.HERE, NEW_BUCKETS),
    *of_buckets("versioning.validate_warm_get", "versioning.synchronize"),
    Row("resilver.enabled", flag(), True),
)
BY_NAME = {row.name: row for row in ROWS}
assert len(BY_NAME) == len(ROWS), "a value is declared twice"


HEAD = """\
# The cluster's configuration

Made by `make configuration` from the table in `nativeapi/configuration/rows.py`.

What `ais config cluster` shows and sets. Changes are durable and hold in all processes within a second; those made with
`--transient` end with the node's run. What does not go together (`space.lowwm` above `space.highwm`) is refused whole.

| value | default | may be | here |
|---|---|---|---|
"""


def markdown() -> str:
    """The table as a page of the docs."""
    return HEAD + "".join(line(row) for row in ROWS)


def line(row: Row) -> str:
    default = str(row.shown).lower() if isinstance(row.shown, bool) else str(row.shown)
    note = f": {row.note}" if row.note else ""
    shown = f"`{default}`" if default else ""
    return f"| `{row.name}` | {shown} | {row.kind.accepts} | {row.effect.value}{note} |\n"
