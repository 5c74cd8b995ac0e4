"""The node's own log, on standard error: what went wrong, and what the processes do."""

from __future__ import annotations

import atexit
import logging
import sys
import time
from typing import Any

import msgspec
from gunicorn.glogging import Logger

from appliance.journal import FileJournal, JournalHandler

OURS = ("appliance", "etl", "nativeapi", "s3api", "sluice", "storage")
SERVER = "gunicorn.error"


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the log."""

    time: str
    level: str
    logger: str
    process: int
    message: str
    traceback: str = ""


def moment(record: logging.LogRecord) -> str:
    """When it was logged, as RFC 3339 in UTC."""
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z"


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        traceback = self.formatException(record.exc_info) if record.exc_info else ""
        event = Event(
            moment(record),
            record.levelname.lower(),
            record.name,
            record.process or 0,
            record.getMessage(),
            traceback,
        )
        return msgspec.json.encode(event).decode()


class TextFormatter(logging.Formatter):
    """For people: the traceback on lines of its own."""

    def __init__(self) -> None:
        super().__init__("%(moment)s %(levelname)s [%(process)d] %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        record.moment = moment(record)
        return super().format(record)


FORMATTERS: dict[str, type[logging.Formatter]] = {"json": JsonFormatter, "text": TextFormatter}


def configure(*, format: str, level: str) -> None:
    """From now on the log goes to standard error: our own lines from `level` on, those of libraries from warning on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(FORMATTERS[format]())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    set_level(level)
    # gunicorn tells of every worker that comes and goes; that is worth a line to those who look for faults alone.
    logging.getLogger(SERVER).setLevel(level.upper() if level in ("debug", "error") else logging.WARNING)
    # Handlers that die while the interpreter takes its modules apart (Flask's default one does) would take logging's
    # lock, which is gevent's in a worker and no longer works then: let logging forget them before.
    atexit.register(getattr(logging, "_handlerList").clear)


def set_level(level: str) -> None:
    """From now on our own lines from `level` on are written."""
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())


def keep(journal: FileJournal) -> None:
    """From now on the log goes to the journal, too."""
    logging.getLogger().addHandler(JournalHandler(journal))


class ServerLog(Logger):
    """gunicorn's log as a part of ours: no handlers, files or formats of its own."""

    def setup(self, cfg: Any) -> None:
        self.error_log.propagate = True
        self.error_log.handlers.clear()

    def reopen_files(self) -> None:
        """Standard error has no file to reopen; the access log sees to its own."""

    def close_on_exec(self) -> None:
        """Standard error stays open."""
