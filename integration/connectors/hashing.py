"""Content hashes of a system's records, which recognize unchanged records without parsing them."""

import hashlib
from collections.abc import Callable

from pydantic import BaseModel

BYTES = 16  # digest size that makes accidental collisions practically impossible

Hashing = Callable[..., str]


def hashing(settings: BaseModel) -> Hashing:
    """Return a function that hashes texts and bytes. The hashes also depend on `settings`, which affect the parsing."""
    begun = hashlib.blake2b(settings.model_dump_json().encode(), digest_size=BYTES)

    def digest(*parts: str | bytes) -> str:
        hasher = begun.copy()
        encoded_parts = [part.encode() if isinstance(part, str) else part for part in parts]
        hasher.update(b"".join([b"%d %b" % (len(part), part) for part in encoded_parts]))
        return hasher.hexdigest()

    return digest
