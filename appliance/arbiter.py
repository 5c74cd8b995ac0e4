"""The arbiter: gunicorn's, with one process more for the background jobs."""

from __future__ import annotations

import gc
import logging
import signal
from collections.abc import Callable, Iterable
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from appliance.worker import JobsWorker, SluiceWorker

GENERATIONS = 3  # of request workers, at most: the last waits for processes of the first to end
STOPPING = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}

log = logging.getLogger("sluice.arbiter")


class SluiceArbiter(Arbiter):
    """Keeps `workers` request workers and one jobs worker alive until SIGTERM or SIGINT, both of which let them finish;
    a second SIGINT doesn't. SIGHUP replaces the workers one generation by the next, which serves while the old one
    finishes what it has begun."""

    def __init__(self, app: BaseApplication) -> None:
        self._retired: set[int] = set()  # process ids of those that were told to finish, until they have
        super().__init__(app)

    def start(self) -> None:
        super().start()
        # What was loaded before the fork stays as it is: the collector would only copy its pages into every process.
        gc.collect()
        gc.freeze()

    def handle_int(self) -> None:
        raise StopIteration

    def handle_hup(self) -> None:
        self.handle_usr1()
        self._retire(list(self.WORKERS))

    def refuse(self) -> None:
        log.warning("ignored: the number of workers is a setting, and a new release is started by stop and start")

    handle_ttin = handle_ttou = handle_usr2 = refuse

    def manage_workers(self) -> None:
        """Start what is missing, end what is too many. Of those for jobs the next waits for the end of the last."""
        workers: dict[int, Any] = dict(self.WORKERS)
        self._retired &= workers.keys()
        requests = [(worker.age, pid) for pid, worker in workers.items() if worker.serves_requests]
        serving = sorted(one for one in requests if one[1] not in self._retired)
        if len(requests) == len(workers):
            self._spawn(JobsWorker)
        room = GENERATIONS * self.num_workers - len(requests)
        for _ in range(min(self.num_workers - len(serving), room)):
            self._spawn(SluiceWorker)
        self._retire(pid for _, pid in serving[: max(0, len(serving) - self.num_workers)])
        SluiceWorker.loads.keep([worker.age for worker in self.WORKERS.values()])

    def _retire(self, pids: Iterable[int]) -> None:
        for pid in pids:
            self._retired.add(pid)
            self.kill_worker(pid, signal.SIGTERM)

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
