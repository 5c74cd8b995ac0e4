"""Servers as processes of this machine: no Kubernetes, no registry.

Each job has a folder, `<root>/<job id>`, with the log of its server and, while that lives, a scratch folder that is its
home. The server runs in a session of its own below a guard (see `etl.runtimes.guard`), with an environment made for it
alone. An image that is an absolute path is a folder of the node: the command runs in it, with its `.venv/bin` first in
the PATH. Any other image is looked up among those that the node knows; with a command of its own it is only a name.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from storage.threads import pause

from etl.errors import InvalidSpec
from etl.runtime import Health, Launch
from etl.runtimes import guard
from etl.runtimes.health import HealthCheck
from etl.runtimes.orphans import MARK, kill_marked
from etl.runtimes.ports import HOST, PORT_RULE, addressed, free_port
from etl.spec import TransformSpec

LOG_LIMIT = 8 * 1024 * 1024  # bytes, of a job
TAIL = 4096  # bytes of the log that an error shows
GRACE_SECONDS = 10.0  # between SIGTERM and SIGKILL
PATIENCE_SECONDS = 5.0  # beyond the grace, for the guard itself
CLASHES = 3  # how often a server whose port was taken meanwhile is given another one
TAKEN = (b"ddress already in use", b"EADDRINUSE")
SEARCH_PATH = os.pathsep.join((os.path.join(sys.prefix, "bin"), "/usr/local/bin", "/usr/bin", "/bin"))


@dataclass(frozen=True, slots=True)
class Image:
    """What an image name means on this node: the command that runs it, and in which folder."""

    command: tuple[str, ...] = ()  # empty: the spec must give one
    folder: Path | None = None  # None: the scratch folder


class ProcessRuntime:
    """Starts servers as local processes under `root`, a folder that is this node's alone."""

    def __init__(
        self,
        root: Path,
        *,
        images: Mapping[str, Image] = MappingProxyType({}),
        search_path: str = SEARCH_PATH,
        grace_seconds: float = GRACE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`images` are those that may be named without a command; `search_path` is the servers' PATH."""
        self._root = root.absolute()
        self._images = images
        self._search_path = search_path
        self._grace_seconds = grace_seconds
        self._monotonic = monotonic

    def admit(self, spec: TransformSpec) -> None:
        name = spec.runtime.image
        image = self._image(name)
        if image.folder is not None and not image.folder.is_dir():
            raise InvalidSpec(f'runtime.image "{name}" is no folder of this node: give the folder that holds the'
                              " transform's code, or any name and a full runtime.command")
        if name.startswith("."):
            raise InvalidSpec(f'runtime.image "{name}" is relative: give the absolute path of a folder of this node')
        if not (spec.runtime.command or image.command):
            raise InvalidSpec('runtime.command must be specified: this node runs transforms as local processes and'
                              f' does not know what the image "{name}" runs; give the command that starts its server')

    @contextlib.contextmanager
    def occupy(self) -> Iterator[None]:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._lock(lock)
            self._clear()
            yield
            self._clear()
        finally:
            os.close(lock)

    def start(self, launch: Launch) -> ProcessServer:
        folder = self._root / launch.job
        scratch = folder / "scratch"
        scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        image = self._image(launch.spec.runtime.image)
        home = Home(folder, scratch, image)
        try:
            return ProcessServer(home, launch, self._search_path, self._grace_seconds, self._monotonic)
        except OSError:
            shutil.rmtree(scratch, ignore_errors=True)
            raise

    def keep_only(self, jobs: Collection[str]) -> None:
        for folder in self._root.glob("etl-*"):
            if folder.name not in jobs:
                shutil.rmtree(folder, ignore_errors=True)

    def folder(self, job: str) -> Path:
        return self._root / job / "scratch" / "objects"

    def log(self, job: str) -> bytes:
        return read_log(self._root / job / "log")

    def _image(self, name: str) -> Image:
        if name.startswith("/"):
            return Image(folder=Path(name))
        return self._images.get(name) or self._images.get(name.rpartition("/")[2].partition(":")[0]) or Image()

    def _lock(self, lock: int) -> None:
        """Another process that still holds it is about to end."""
        while True:
            try:
                return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pause(0.05)

    def _clear(self) -> None:
        kill_marked(str(self._root))
        for scratch in self._root.glob("etl-*/scratch"):
            shutil.rmtree(scratch, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Home:
    """Where a server lives."""

    folder: Path
    scratch: Path
    image: Image

    def environment(self, launch: Launch, search_path: str, port: int) -> dict[str, str]:
        """All that the server sees of its surroundings; nothing comes from the node's own environment.

        In AIStore's order, the later wins: the base, runtime.env, what the node says, the top-level env.
        """
        direct_put = "true" if launch.spec.support_direct_put else "false"
        folder = self.image.folder
        return {
            "PATH": search_path if folder is None else f"{folder}/.venv/bin{os.pathsep}{search_path}",
            "HOME": str(self.scratch),
            "TMPDIR": str(self.scratch),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",  # the image's folder stays as it is
            **{variable.name: variable.value for variable in launch.spec.runtime.env},
            "AIS_TARGET_URL": launch.target_url,
            "direct_put": direct_put,
            "DIRECT_PUT": direct_put,
            "PORT": str(port),
            **{variable.name: variable.value for variable in launch.spec.env},
            MARK: str(self.folder),
        }


class ProcessServer:
    """A server below its guard."""

    def __init__(
        self, home: Home, launch: Launch, search_path: str, grace_seconds: float, monotonic: Callable[[], float]
    ) -> None:
        self._home = home
        self._launch = launch
        self._search_path = search_path
        self._grace_seconds = grace_seconds
        self._monotonic = monotonic
        self._clashes = 0
        self._ready = False
        self._gone = False
        self._kill_at: float | None = None  # s of the monotonic clock
        self._begin()

    @property
    def address(self) -> str:
        return self._address

    def health(self) -> Health:
        if self._guard.poll() is not None:
            return Health.STARTING if self._moved_to_another_port() else Health.EXITED
        if not self._ready:
            self._ready = self._check.passed()
        return Health.READY if self._ready else Health.STARTING

    def account(self) -> str:
        state = self._guard.poll()
        status = "state: running" if state is None else f"state: terminated, exitCode: {state}"
        tail = read_log(self._home.folder / "log")[-TAIL:]
        if not self._ready and (state is None or port_taken(tail)):
            status += f", reason: no 200 from GET http://{self._address}/health: {PORT_RULE}"
        text = tail.decode(errors="replace").strip()
        message = f", message: {text}" if text else ""
        return f'[etl="{self._launch.name}",job="{self._launch.job}",process_status="{status}{message}"]'

    def stop(self) -> None:
        if self._kill_at is None:
            self._kill_at = self._monotonic() + self._grace_seconds + PATIENCE_SECONDS
            self._check.close()
            self._guard.terminate()

    def gone(self) -> bool:
        if self._gone:
            return True
        if self._guard.poll() is None:
            if self._kill_at is not None and self._monotonic() >= self._kill_at:
                self._guard.kill()
            return False
        kill_marked(str(self._home.folder))
        shutil.rmtree(self._home.scratch, ignore_errors=True)
        self._check.close()
        self._gone = True
        return True

    def _begin(self) -> None:
        port = free_port()
        spec = self._launch.spec.runtime
        environment = self._home.environment(self._launch, self._search_path, port)
        command = addressed(spec.command or self._home.image.command, port, environment)
        self._address = f"{HOST}:{port}"
        self._check = HealthCheck(self._address, monotonic=self._monotonic)
        self._guard = subprocess.Popen(
            guarded(command, self._home.folder / "log", self._grace_seconds),
            cwd=self._home.image.folder or self._home.scratch,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _moved_to_another_port(self) -> bool:
        """A server that died because somebody else was faster to take its port gets another chance."""
        if self._ready or self._kill_at is not None or self._clashes == CLASHES:
            return False
        if not port_taken(read_log(self._home.folder / "log")[-TAIL:]):
            return False
        self._clashes += 1
        (self._home.folder / "log").unlink(missing_ok=True)
        self._check.close()
        self._begin()
        return True


def port_taken(log: bytes) -> bool:
    return any(words in log for words in TAKEN)


def guarded(command: Sequence[str], log: Path, grace_seconds: float) -> list[str]:
    """The command line of a guard that runs `command`."""
    options = [str(os.getpid()), str(log), str(LOG_LIMIT), str(grace_seconds)]
    return [sys.executable, "-I", "-S", guard.__file__, *options, *command]


def read_log(log: Path) -> bytes:
    """What a guard has kept, oldest first."""
    pieces = []
    for path in (log.with_name("log.1"), log):
        with contextlib.suppress(FileNotFoundError):
            pieces.append(path.read_bytes())
    return b"".join(pieces)
