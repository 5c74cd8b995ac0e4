"""Work that blocks, off the hub: in gevent's native threads where the process is gevent's, inline elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

import gevent
import gevent.monkey

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Task(Protocol[T_co]):
    def get(self) -> T_co:
        """The function's result, or what it raised, once it is there."""
        ...


class _Done(Generic[T]):
    def __init__(self, result: T) -> None:
        self._result = result

    def get(self) -> T:
        return self._result


class _Threaded(Generic[T]):
    """A call in a native thread. What it raises is carried over as a value: gevent would print it as unhandled, too."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._error: BaseException | None = None
        self._done: Any = gevent.get_hub().threadpool.spawn(self._run)

    def get(self) -> T:
        result: T = self._done.get()
        if self._error is not None:
            raise self._error
        return result

    def _run(self) -> T | None:
        try:
            return self._call()
        except BaseException as error:
            self._error = error
            return None


def under_gevent() -> bool:
    return bool(gevent.monkey.is_module_patched("socket"))


def start(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Task[T]:
    """Begin the call; without gevent it is over, and has raised what it raises, when this returns."""
    if under_gevent():
        return _Threaded(partial(function, *args, **kwargs))
    return _Done(function(*args, **kwargs))


def run(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The function's result; meanwhile other greenlets go on. Being killed, too, waits for its end."""
    return settle(start(function, *args, **kwargs))


def settle(task: Task[T]) -> T:
    """The task's result, waited for even while this greenlet is being killed: afterwards nothing of it runs on."""
    interrupted: BaseException | None = None
    while True:
        try:
            result = task.get()
        except (gevent.GreenletExit, gevent.Timeout) as error:
            interrupted = error
            continue
        if interrupted is not None:
            raise interrupted
        return result


def pause(seconds: float) -> None:
    """Sleep; meanwhile other greenlets go on."""
    gevent.sleep(seconds) if under_gevent() else _sleep(seconds)


_sleep: Callable[[float], None] = gevent.monkey.get_original("time", "sleep")
