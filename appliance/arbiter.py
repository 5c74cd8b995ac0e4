"""The arbiter: gunicorn's, with one process more for the background jobs."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from appliance.worker import JobsWorker, SluiceWorker


STOPPING = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}


class SluiceArbiter(Arbiter):
    """Keeps `workers` request workers and one jobs worker alive until SIGTERM or SIGINT, both of which let them finish;
    a second SIGINT doesn't. SIGHUP replaces the workers one generation by the next."""

    def start(self) -> None:
        super().start()
        # What was loaded before the fork stays as it is: the collector would only copy its pages into every process.
        gc.collect()
        gc.freeze()

    def handle_int(self) -> None:
        raise StopIteration

    def handle_hup(self) -> None:
        self.handle_usr1()
        for pid in list(self.WORKERS):
            self.kill_worker(pid, signal.SIGTERM)

    def manage_workers(self) -> None:
        """Start what is missing, end what is too many."""
        workers: dict[int, Any] = dict(self.WORKERS)
        serving = sorted((worker.age, pid) for pid, worker in workers.items() if worker.serves_requests)
        if len(serving) == len(workers):
            self._spawn(JobsWorker)
        for _ in range(self.num_workers - len(serving)):
            self._spawn(SluiceWorker)
        for _, pid in serving[: max(0, len(serving) - self.num_workers)]:
            self.kill_worker(pid, signal.SIGTERM)
        SluiceWorker.loads.keep([worker.age for worker in self.WORKERS.values()])

    def _spawn(self, role: type[SluiceWorker]) -> None:
        self.worker_class = role
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)  # until the worker has its own handlers: it would lose them
        try:
            self.spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


class Server(BaseApplication):
    """What gunicorn calls an application: `load` gives the node, `options` are gunicorn's own settings."""

    def __init__(self, load: Callable[[], Any], options: dict[str, Any]) -> None:
        self._load = load
        self._options = {
            "preload_app": True,
            "worker_class": SluiceWorker,
            "control_socket_disable": True,
            "proc_name": "sluice",
            **options,
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self._load()

    def run(self) -> None:
        """Serve until told to stop, then leave by `SystemExit`."""
        SluiceArbiter(self).run()
