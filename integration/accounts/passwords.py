"""Passwords of accounts here: what is kept of one, and whether another is the same."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

AT_ONCE = 2  # each keeps a processor busy
ROUNDS, KILOBYTES = 2, 19 * 1024  # the least that OWASP asks of Argon2id


class Passwords:
    """Hashes by Argon2id. Whoever has no password is looked at for as long as one who has."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=ROUNDS, memory_cost=KILOBYTES, parallelism=1)
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._nobody = ""

    def made(self, password: str) -> str:
        """Return what is kept of a password."""
        with self._places:
            return self._hasher.hash(password)

    def fits(self, kept: str, password: str) -> bool:
        """Tell whether a password is the one of which something was kept; of nothing, none is."""
        if not self._nobody:
            self._nobody = self.made("of nobody")
        try:
            with self._places:
                return self._hasher.verify(kept or self._nobody, password) and bool(kept)
        except (VerificationError, InvalidHashError):
            return False
