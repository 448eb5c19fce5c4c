"""Hashes and verifies the passwords of local accounts."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

AT_ONCE = 2  # each hash occupies a processor
ROUNDS, KILOBYTES = 2, 19 * 1024  # the minimum that OWASP recommends for Argon2id


class Passwords:
    """Argon2id hashes.

    Verification takes as long without a stored hash as with one, so that nobody can probe for names.
    """

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=ROUNDS, memory_cost=KILOBYTES, parallelism=1)
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._dummy_hash = ""

    def hash(self, password: str) -> str:
        """Return the hash to store for a password."""
        with self._slots:
            return self._hasher.hash(password)

    def verify(self, stored_hash: str, password: str) -> bool:
        """Return True if the password matches the stored hash. No password matches an empty hash."""
        if not self._dummy_hash:
            self._dummy_hash = self.hash("of nobody")
        try:
            with self._slots:
                return self._hasher.verify(stored_hash or self._dummy_hash, password) and bool(stored_hash)
        except (VerificationError, InvalidHashError):
            return False
