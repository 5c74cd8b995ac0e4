"""Passwords, of which only Argon2id hashes are kept."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from gevent.lock import BoundedSemaphore

from storage.threads import run

MEMORY = 19 * 1024  # KiB for each hash; memory, passes and lanes as OWASP recommends for Argon2id
PASSES = 2
LANES = 1
AT_ONCE = 2  # hashes of one process; what a flood of logins may take of memory and cores


class Passwords:
    """Hashes and compares off the hub, some 40 ms each."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY, parallelism=LANES)
        self._room = BoundedSemaphore(AT_ONCE)
        self._nobodys = ""  # a hash that no password has

    def hash(self, password: str) -> str:
        with self._room:
            return run(self._hasher.hash, password)

    def matches(self, hashed: str, password: str) -> bool:
        """Whether this is the password; takes as long when there is none ("")."""
        with self._room:
            return run(self._verify, hashed or self._nobody(), password) and bool(hashed)

    def _nobody(self) -> str:
        if not self._nobodys:
            self._nobodys = run(self._hasher.hash, "")
        return self._nobodys

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except VerificationError:
            return False
