"""Makes true what the catalog says: starts the servers of transforms, watches them, stops them.

One process of the node runs it. It never waits for a server: every turn it looks at all of them, so that one that hangs
holds up no other.
"""

from __future__ import annotations

import logging
import secrets
import string
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec
from storage.errors import OutOfSpace, VolumeFailed
from storage.threads import pause

from etl.activity import Activities
from etl.catalog import TransformCatalog
from etl.errors import NoSuchTransform
from etl.records import Stage, Transform
from etl.runtime import Health, Launch, Runtime, Server

TURN_SECONDS = 0.05
ALPHABET = string.ascii_letters + string.digits
SECRET_LENGTH, SEAL_LENGTH = 10, 32
MARGIN = 0.1  # of init_timeout, at most 1 s: the client's own timeout is as long, and the answer must be there before

log = logging.getLogger(__name__)


class Stop(Protocol):
    """An event that ends `Supervisor.run`; threading's and gevent's are such."""

    def wait(self, timeout: float) -> bool: ...


@dataclass(slots=True)
class Charge:
    """A server that this process has started."""

    server: Server
    name: str
    deadline: float  # s of the monotonic clock; by then it must be ready


class Supervisor:
    """The servers of a node's transforms."""

    def __init__(
        self,
        catalog: TransformCatalog,
        activities: Activities,
        runtime: Runtime,
        *,
        node_url: str,
        clock: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`node_url` is where servers reach this node, without a slash at the end; `clock` gives ns since the epoch."""
        self._catalog = catalog
        self._activities = activities
        self._runtime = runtime
        self._node_url = node_url
        self._clock = clock
        self._monotonic = monotonic
        self._charges: dict[str, Charge] = {}  # by job
        self._kept: frozenset[str] = frozenset()

    def run(self, stop: Stop) -> None:
        """Supervise until `stop` is set, then end all servers. What was Running is brought back by the next run, here
        or in another process, also when this one was killed."""
        with self._runtime.occupy():
            self._take_over()
            while not stop.wait(TURN_SECONDS):
                try:
                    self.turn()
                except (OutOfSpace, VolumeFailed) as error:
                    log.error("transforms cannot be recorded, trying again: %s", error)
            self._end_all()

    def turn(self) -> None:
        """Bring the servers one step closer to what the catalog says."""
        transforms = self._catalog.all()
        jobs = frozenset(transform.job for transform in transforms)
        for job, charge in list(self._charges.items()):
            if job not in jobs:
                self._dismiss(job, charge)
        for transform in transforms:
            try:
                STEPS[transform.stage](self, transform)
            except NoSuchTransform:
                continue  # deleted since it was read
        if jobs != self._kept:
            self._runtime.keep_only(jobs | self._charges.keys())
            self._activities.keep_only(jobs)
            self._kept = jobs

    def _take_over(self) -> None:
        """Nothing of an earlier process's servers is left now: what it had Running or on its way up starts anew."""
        for transform in self._catalog.all():
            self._catalog.change(transform.name, self._orphaned)

    def _orphaned(self, transform: Transform) -> Transform:
        if transform.stage is Stage.RUNNING:
            restarts = transform.restarts + 1
            log.info("transform %s comes back (restart %d)", transform.name, restarts)
            return self._moved(transform, Stage.INITIALIZING, address="", held=False, restarts=restarts)
        return msgspec.structs.replace(transform, held=False)

    def _initializing(self, transform: Transform) -> None:
        charge = self._charges.get(transform.job)
        if charge is None:
            self._launch(transform)
            return
        health = charge.server.health()
        if health is Health.READY:
            self._change(transform, Stage.RUNNING, address=charge.server.address)
            log.info("transform %s runs at %s", transform.name, charge.server.address)
        elif health is Health.EXITED:
            self._abort(transform, f"{charge.server.account()} the server ended before it was ready")
        elif self._monotonic() >= charge.deadline:
            self._abort(transform, f"{charge.server.account()} timed out: not ready within"
                                   f" {transform.spec.init_timeout} (init_timeout)")

    def _running(self, transform: Transform) -> None:
        charge = self._charges.get(transform.job)
        if charge is None:
            self._catalog.change(transform.name, self._orphaned)
        elif charge.server.health() is Health.EXITED:
            self._abort(transform, f"{charge.server.account()} the server ended")

    def _aborted(self, transform: Transform) -> None:
        charge = self._charges.get(transform.job)
        if (charge is None or self._dismiss(transform.job, charge)) and transform.held:
            self._change(transform, Stage.ABORTED, address="", held=False)

    def _launch(self, transform: Transform) -> None:
        """Hold first, start then: whoever stops a transform that is not held knows that nothing was started."""
        if any(charge.name == transform.name for charge in self._charges.values()):
            return  # an earlier job's server is still on its way out
        secret, seal = text(SECRET_LENGTH), text(SEAL_LENGTH)
        if not self._change(transform, Stage.INITIALIZING, held=True, secret=secret, seal=seal):
            return
        seconds = transform.spec.init_seconds
        url = f"{self._node_url}/v1/etl/_object/{transform.name}/{secret}"
        try:
            server = self._runtime.start(Launch(transform.name, transform.job, transform.spec, url))
        except OSError as error:
            self._abort(transform, f'[etl="{transform.name}",job="{transform.job}"] cannot start: {error}')
            return
        deadline = self._monotonic() + seconds - min(1.0, seconds * MARGIN)
        self._charges[transform.job] = Charge(server, transform.name, deadline)

    def _abort(self, transform: Transform, reason: str) -> None:
        log.warning("transform %s is aborted: %s", transform.name, reason)
        self._change(transform, Stage.ABORTED, error=reason)

    def _dismiss(self, job: str, charge: Charge) -> bool:
        """Tell the server to go; whether it has gone."""
        charge.server.stop()
        if not charge.server.gone():
            return False
        del self._charges[job]
        return True

    def _change(self, seen: Transform, stage: Stage, **fields: object) -> bool:
        """Change the transform unless its job or stage is no longer the one seen; whether it was changed."""
        done = False

        def change(now: Transform) -> Transform:
            nonlocal done
            done = now.job == seen.job and now.stage is seen.stage
            return self._moved(now, stage, **fields) if done else now

        self._catalog.change(seen.name, change)
        return done

    def _moved(self, transform: Transform, stage: Stage, **fields: object) -> Transform:
        changed = transform.changed if stage is transform.stage else self._clock()
        return msgspec.structs.replace(transform, stage=stage, changed=changed, **fields)

    def _end_all(self) -> None:
        for charge in self._charges.values():
            charge.server.stop()
        while self._charges:
            for job, charge in list(self._charges.items()):
                self._dismiss(job, charge)
            pause(TURN_SECONDS)


def text(length: int) -> str:
    """Letters and digits that nobody can guess."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


STEPS: dict[Stage, Callable[[Supervisor, Transform], None]] = {
    Stage.INITIALIZING: Supervisor._initializing,
    Stage.RUNNING: Supervisor._running,
    Stage.ABORTED: Supervisor._aborted,
}
