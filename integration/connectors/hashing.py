"""Hashes of what came from a system, by which it is known again without being read."""

import hashlib
from collections.abc import Callable

from pydantic import BaseModel

BYTES = 16  # so that no two things ever have the same by chance

Hashing = Callable[..., str]


def hashing(settings: BaseModel) -> Hashing:
    """Return what makes hashes of texts and bytes that are read by these settings: by others they are others."""
    begun = hashlib.blake2b(settings.model_dump_json().encode(), digest_size=BYTES)

    def of(*parts: str | bytes) -> str:
        made = begun.copy()
        told = [part.encode() if isinstance(part, str) else part for part in parts]
        made.update(b"".join([b"%d %b" % (len(part), part) for part in told]))
        return made.hexdigest()

    return of
