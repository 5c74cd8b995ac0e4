"""What users do with transforms: define, start, stop, look at them, delete them.

A request worker writes the wanted stage into the catalog and waits until the supervisor has made it true.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from storage.threads import pause

from etl.activity import Activities
from etl.catalog import TransformCatalog
from etl.errors import InitFailed, InvalidStage, NoSuchTransform, NotStopped
from etl.records import Activity, Stage, Transform
from etl.runtime import Runtime
from etl.spec import TransformSpec

JOB_ALPHABET = string.ascii_letters + string.digits + "-_"
JOB_LENGTH = 9  # characters after "etl-"
LOOK_SECONDS = 0.02  # how often a waiting request looks at the stage
STOP_SECONDS = 45.0  # how long AIStore waits for a server to go
USER_ABORT = "user abort"


@dataclass(frozen=True, slots=True)
class View:
    """A transform with its activity, as the list and the details show it."""

    transform: Transform
    activity: Activity


class Transforms:
    """The transforms of a node, for its request workers. Safe to use from many at once."""

    def __init__(
        self, catalog: TransformCatalog, activities: Activities, runtime: Runtime, *, clock: Callable[[], int]
    ) -> None:
        """`clock` gives ns since the epoch."""
        self._catalog = catalog
        self._activities = activities
        self._runtime = runtime
        self._clock = clock

    def init(self, spec: TransformSpec) -> str:
        """Define a transform and start it; the id of its job once it is Running.

        Raises `InvalidSpec` and `TransformExists`, which change nothing, and `InitFailed` within the spec's
        init_timeout, which leaves the transform Aborted.
        """
        self._runtime.admit(spec)
        transform = Transform(spec.name, spec, Stage.INITIALIZING, _job(), "", self._clock())
        self._catalog.add(transform)
        return self._await_running(transform)

    def start(self, name: str) -> str:
        """Start an Aborted transform again, as a new job whose id is returned; raises as `init`, and `InvalidStage`."""
        self._await_gone(self._catalog.get(name))
        transform = self._catalog.change(name, self._restarted)
        return self._await_running(transform)

    def stop(self, name: str) -> None:
        """Abort the transform, in whatever stage it is; nothing of its server is left when this returns.

        `NotStopped` when that takes longer than 45 s.
        """
        stopped = self._catalog.change(name, self._aborted)
        self._await_gone(stopped)

    def delete(self, name: str) -> None:
        """Stop the transform and forget it, its log and its activity."""
        while True:
            self.stop(name)
            transform = self._catalog.get(name)
            if transform.stage is not Stage.ABORTED:
                continue  # somebody has started it meanwhile
            try:
                self._catalog.remove(transform)
                break
            except NoSuchTransform:
                continue  # it has changed, or is gone: `stop` says which
        self._activities.forget(transform.job)

    def list(self) -> list[View]:
        """Every transform, by name."""
        return [View(transform, self._activities.of(transform.job)) for transform in self._catalog.all()]

    def get(self, name: str) -> Transform:
        """One transform, in whatever stage, without its activity, which takes a commit to add up."""
        return self._catalog.get(name)

    def view(self, name: str) -> View:
        """One transform, in whatever stage."""
        transform = self._catalog.get(name)
        return View(transform, self._activities.of(transform.job))

    def logs(self, name: str) -> bytes:
        """What the server of the current or last job has written to stdout and stderr; the latest part of it."""
        return self._runtime.log(self._catalog.get(name).job)

    def health(self, name: str) -> str:
        """The state of the server in Kubernetes' words for a pod: "Pending", "Running" or "Failed"."""
        return HEALTH[self._catalog.get(name).stage]

    def _restarted(self, transform: Transform) -> Transform:
        if transform.stage is not Stage.ABORTED or transform.held:
            raise InvalidStage(transform.name, transform.stage)
        self._runtime.admit(transform.spec)
        return Transform(transform.name, transform.spec, Stage.INITIALIZING, _job(), "", self._clock())

    def _aborted(self, transform: Transform) -> Transform:
        if transform.stage is Stage.ABORTED:
            return transform
        return msgspec.structs.replace(transform, stage=Stage.ABORTED, error=USER_ABORT, changed=self._clock())

    def _await_running(self, transform: Transform) -> str:
        """The supervisor keeps to init_timeout; should it not be there at all, this does."""
        name, job = transform.name, transform.job
        deadline = transform.changed + int(transform.spec.init_seconds * 1e9)
        while True:
            try:
                now = self._catalog.get(name)
            except NoSuchTransform as error:
                raise InitFailed(name, f'[etl="{name}",job="{job}"] deleted before it was running') from error
            if now.job == job and now.stage is Stage.RUNNING:
                return job
            if now.job != job or now.stage is Stage.ABORTED:
                raise InitFailed(name, now.error or USER_ABORT)
            if self._clock() >= deadline:
                self._give_up(transform)
            pause(LOOK_SECONDS)

    def _give_up(self, transform: Transform) -> None:
        def abort(now: Transform) -> Transform:
            if now.job != transform.job or now.stage is not Stage.INITIALIZING:
                return now
            reason = f'[etl="{now.name}",job="{now.job}"] timed out after {now.spec.init_timeout} (init_timeout)'
            return msgspec.structs.replace(now, stage=Stage.ABORTED, error=reason, changed=self._clock())

        self._catalog.change(transform.name, abort)

    def _await_gone(self, stopped: Transform) -> None:
        """Return when an Aborted transform's server is gone, at once when it is not Aborted."""
        deadline = self._clock() + int(STOP_SECONDS * 1e9)
        while True:
            now = self._catalog.get(stopped.name)
            if now.job != stopped.job or now.stage is not Stage.ABORTED or not now.held:
                return
            if self._clock() >= deadline:
                raise NotStopped(stopped.name, STOP_SECONDS)
            pause(LOOK_SECONDS)


HEALTH = {Stage.INITIALIZING: "Pending", Stage.RUNNING: "Running", Stage.ABORTED: "Failed"}


def _job() -> str:
    return "etl-" + "".join(secrets.choice(JOB_ALPHABET) for _ in range(JOB_LENGTH))
