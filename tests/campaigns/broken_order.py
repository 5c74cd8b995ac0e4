"""A node whose order of commits is wrong on purpose, to show that the crash campaign would notice.

An object's record is committed a moment after the answer, instead of before it.
"""

from __future__ import annotations

from typing import Any

import gevent

from appliance.cli import main
from storage.objects import Objects

LATE_SECONDS = 0.03

commit = Objects._commit


def commit_late(*arguments: Any) -> None:
    gevent.spawn_later(LATE_SECONDS, commit, *arguments)


if __name__ == "__main__":
    Objects._commit = commit_late  # type: ignore[method-assign,assignment]
    main()
