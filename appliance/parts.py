"""What one process of the node opens for itself, after the fork: the store and all that works on it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from appliance.clock import WallClock
from appliance.http.reply import HOST_ID
from appliance.identities import Keyring
from appliance.jobs import bodies
from appliance.machine import NodeMachine
from appliance.room import watermarks
from appliance.root import ADMINISTRATOR, EVERYBODY
from appliance.settings import Settings
from etl.activity import Activities
from etl.catalog import TransformCatalog
from etl.channels.hpull import HPull
from etl.channels.hpush import HPush
from etl.channels.ws import WebSockets
from etl.lens import Lenses, Use
from etl.runtimes.process import ProcessRuntime
from etl.spec import HPULL, HPUSH, WS
from etl.supervisor import Supervisor
from etl.transforms import Transforms
from nativeapi import attached
from nativeapi.authn.service import Authn, authn
from nativeapi.authn.tokens import Tokenless
from nativeapi.configuration import Configuration
from nativeapi.download.egress import GUARDS
from nativeapi.errors import describe
from nativeapi.native import Door, Native
from nativeapi.nodes import Nodes
from nativeapi.objects import NativeObjects
from nativeapi.statistics import Statistics
from s3api.application import S3Application
from storage.access import Principal
from storage.engines.lmdb import Durability
from storage.identities.memberships import Memberships
from storage.jobs import Jobs, Runner
from storage.jobs.attendance import Attendance
from storage.jobs.bell import Bell
from storage.layout import IDENTITY, Layout
from storage.promotion import Promoter, Root
from storage.pace import Pace
from storage.source import Opener
from storage.store import Options, Store

TRANSFORMS = "transforms"  # the folder, in the first volume, of the servers of transforms
DURABILITY = {"sync": Durability.SYNCED, "relaxed": Durability.RELAXED}
# Who comes in through /v1, by whether authentication is on.
DOORS: dict[bool, Callable[[Authn], Door]] = {
    True: lambda logins: logins.tokens,
    False: lambda _: Tokenless(EVERYBODY),
}
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # addresses to listen on, and to reach oneself at


def options(settings: Settings) -> Options:
    return Options(
        inline_limit=settings.inline_limit, reserve=settings.reserve, durability=DURABILITY[settings.durability]
    )


def url(settings: Settings) -> str:
    """Where programs on this machine reach the node, without a slash at the end."""
    host = ANYWHERE.get(settings.address, f"[{settings.address}]" if ":" in settings.address else settings.address)
    scheme = "http" if settings.tls_certificate is None else "https"
    return f"{scheme}://{host}:{settings.port}"


def first_folder(layout: Layout) -> Path:
    """The first data directory that is there."""
    return next(place.path for place in layout.places if place.present)


def decided(settings: Settings) -> dict[str, Any]:
    """The values of AIStore's configuration that the node's own settings decide."""
    return {
        "auth.enabled": settings.authentication,
        "auth.client_auth_required": settings.authentication,
        "net.http.use_https": settings.tls_certificate is not None,
        "net.http.server_crt": str(settings.tls_certificate or ""),
        "net.http.server_key": str(settings.tls_key or ""),
        "net.use_ipv6": ":" in settings.address,
    }


def created(layout: Layout) -> str:
    """When the node was made, as the cluster map tells it."""
    made = (first_folder(layout) / IDENTITY).stat().st_mtime
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(made))


class S3Lenses:
    """Transforms for S3 requests: any account may read through any transform what it may read."""

    def __init__(self, lenses: Lenses) -> None:
        self._lenses = lenses

    def open(self, name: str, args: str, principal: Principal, /) -> Opener:
        return self._lenses.open(Use(name, args))


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a process. `close` them before it ends."""

    store: Store
    lenses: Lenses
    supervisor: Supervisor
    jobs: Jobs
    runner: Runner
    attendance: Attendance
    native: Native
    native_objects: NativeObjects
    s3: S3Application

    def close(self) -> None:
        self.attendance.close()
        self.lenses.close()
        self.store.close()


def open_parts(
    settings: Settings,
    layout: Layout,
    keyring: Keyring,
    bell: Bell,
    clock: WallClock,
    machine: NodeMachine,
    *,
    reserved: frozenset[str],
) -> Parts:
    store = Store(layout, options(settings))
    catalog = TransformCatalog(store.catalog)
    activities = Activities(store.catalog, clock=time.monotonic)
    runtime = ProcessRuntime(first_folder(layout) / TRANSFORMS)
    transforms = Transforms(catalog, activities, runtime, clock=time.time_ns)
    lenses = Lenses(
        store.objects.open,
        catalog,
        activities,
        channels={HPUSH: HPush(), HPULL: HPull(), WS: WebSockets()},
        node=url(settings).partition("://")[2],
        folder=runtime.folder,
    )
    jobs = Jobs(store.partitions.primary.index, bell, clock=time.time_ns, random=os.urandom)
    attendance = Attendance(jobs, clock=time.time_ns)
    nodes = Nodes(layout.node, created(layout), partial(attached.called, store.catalog))
    configuration = Configuration(store.catalog, run=machine.run, fixed=decided(settings), clock=time.time_ns)
    statistics = Statistics(store.catalog, run=machine.run)
    logins = authn(store.catalog, nodes, keyring, root=ADMINISTRATOR, clock=time.time_ns, random=os.urandom)
    door = DOORS[settings.authentication](logins)
    promoter = Promoter(Root(settings.promote_root), store.objects)
    pace = Pace(settings.workers, clock=time.monotonic_ns)
    native = Native(
        store, jobs, attendance, transforms, lenses, promoter, door, logins, nodes, machine, configuration, statistics,
        pace,
    )
    return Parts(
        store,
        lenses,
        Supervisor(catalog, activities, runtime, node_url=url(settings), clock=time.time_ns),
        jobs,
        Runner(
            jobs,
            bell,
            bodies(
                store, lenses, promoter, clock, jobs, GUARDS[settings.download_from], partial(watermarks, configuration)
            ),
            describe=partial(describe, nodes=nodes),
            clock=time.time_ns,
        ),
        attendance,
        native,
        NativeObjects(native),
        s3_application(settings, native, keyring, reserved),
    )


def s3_application(
    settings: Settings, native: Native, keyring: Keyring, reserved: frozenset[str]
) -> S3Application:
    """The other door to the same objects, pace and users."""
    return S3Application(
        native.store,
        keyring,
        S3Lenses(native.lenses),
        Memberships(native.authn.directory, cluster=native.nodes.cluster),
        native.pace,
        region=settings.region,
        domains=settings.domain,
        bucket_defaults=settings.bucket_defaults,
        signature_v2=settings.signature_v2,
        reserved_names=reserved,
        clock=time.time_ns,
        host_id=HOST_ID,
    )
