"""Work that blocks, off the hub: in gevent's native threads where the process is gevent's, inline elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, ParamSpec, Protocol, TypeVar, cast

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


def under_gevent() -> bool:
    return bool(gevent.monkey.is_module_patched("socket"))


def start(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Task[T]:
    """Begin the call; without gevent it is over, and has raised what it raises, when this returns."""
    if under_gevent():
        return cast(Task[T], gevent.get_hub().threadpool.spawn(function, *args, **kwargs))
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
