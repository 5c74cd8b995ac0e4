"""Jobs whose work is done within requests: recorded by the processes that answer these, cheaply.

A process tells the index at most once a second what it has done, however many requests there are; a killed one takes
its last second with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from msgspec.structs import replace

from storage.errors import OutOfSpace, VolumeFailed
from storage.index import IndexClosed
from storage.jobs.jobs import Jobs
from storage.jobs.run import Aborted

TELL_SECONDS = 1.0


@dataclass(slots=True)
class Account:
    """What this process has done for a job since it told so last."""

    job: str
    requests: int = 0  # that are under way
    objects: int = 0
    size: int = 0  # bytes of these objects
    aborted: bool = False


class Attendance:
    """The jobs that the requests of this process belong to. Close it before the store."""

    def __init__(self, jobs: Jobs, *, clock: Callable[[], int]) -> None:
        self._jobs = jobs
        self._clock = clock
        self._accounts: dict[tuple[str, str], Account] = {}
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def attend(self, kind: str, *, owner: str, bucket: str = "") -> Attended:
        """A request of this kind, which belongs to the job that lives for the bucket, or to a new one."""
        with self._lock:
            account = self._accounts.get((kind, bucket))
            if account is not None and not self._jobs.lives(account.job):
                account.aborted = True
                account = None
            if account is None:
                job = self._jobs.start(kind, owner=owner, bucket=bucket)
                account = self._accounts[kind, bucket] = Account(job)
            account.requests += 1
            self._tell_in_time()
        return Attended(self, account)

    def close(self) -> None:
        """Tell what was not told yet."""
        self._tell()

    def _tell_in_time(self) -> None:
        if self._timer is None:
            self._timer = threading.Timer(TELL_SECONDS, self._tell)
            self._timer.daemon = True
            self._timer.start()

    def _tell(self) -> None:
        """Bring every account to the index; those of which nothing is under way are closed."""
        with self._lock:
            timer, self._timer = self._timer, None
            if timer is not None:
                timer.cancel()
            accounts = list(self._accounts.values())
            self._accounts = {name: one for name, one in self._accounts.items() if one.requests and not one.aborted}
            if self._accounts:
                self._tell_in_time()
        with suppress(IndexClosed, OutOfSpace, VolumeFailed):  # then these counts are lost, and no request with them
            for account in accounts:
                account.aborted = not self._told(account)

    def _told(self, account: Account) -> bool:
        """Bring what the account has to the job; whether that goes on."""
        now = self._clock()
        objects, account.objects = account.objects, 0
        size, account.size = account.size, 0
        state = self._jobs.change(
            account.job,
            lambda state: replace(state, objects=state.objects + objects, size=state.size + size, touched=now),
        )
        return state is not None and not state.aborted

    def end(self, account: Account) -> None:
        with self._lock:
            account.requests -= 1


class Attended:
    """A request as a part of its job; a context manager."""

    def __init__(self, attendance: Attendance, account: Account) -> None:
        self._attendance = attendance
        self._account = account

    @property
    def job(self) -> str:
        """The job's id."""
        return self._account.job

    def count(self, *, objects: int, size: int) -> None:
        """Objects, and their bytes, that the request has delivered. `Aborted` within a second or two after the job
        was aborted."""
        self._account.objects += objects
        self._account.size += size
        if self._account.aborted:
            raise Aborted

    def __enter__(self) -> Attended:
        return self

    def __exit__(self, *_: object) -> None:
        self._attendance.end(self._account)
