"""The key that seals credentials, wrapped by a passphrase for its way into a backup."""

import base64
import hashlib
import os
from collections.abc import Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from integration.core.errors import ConfigurationError
from integration.core.masking import remember

SHORTEST = 12
COST = {"n": 2**15, "r": 8, "p": 1}  # 32 MB and about a tenth of a second for each guess
MOST_COST = {"n": 2**20, "r": 16, "p": 4}  # more is asked for by no backup of ours
MOST_BYTES = 2**31 - 1  # of memory that a guess may take


def new_key() -> bytes:
    """Return a new key, which opens nothing yet."""
    return Fernet.generate_key()


def require_long(passphrase: str) -> None:
    """Raise ConfigurationError `setting_invalid` for a passphrase that is too short to keep a key."""
    if len(passphrase) < SHORTEST:
        raise ConfigurationError(
            "setting_invalid", setting="CONSOLE_BACKUP_PASSPHRASE", expected="expected_signs_least", min_length=SHORTEST
        )


def wrapped(key: bytes, passphrase: str) -> dict[str, Any]:
    """Return a key as it can be kept anywhere: without the passphrase nobody reads it."""
    require_long(passphrase)
    remember(passphrase)
    salt = os.urandom(16)
    sealed = Fernet(_derived(passphrase, salt, COST)).encrypt(key)
    return {"salt": salt.hex(), **COST, "sealed": sealed.decode()}


def unwrapped(told: Mapping[str, Any], passphrase: str) -> bytes:
    """Return the key. Raises ConfigurationError `backup_passphrase_wrong`."""
    remember(passphrase)
    try:
        cost = {name: min(int(told[name]), most) for name, most in MOST_COST.items()}
        return Fernet(_derived(passphrase, bytes.fromhex(told["salt"]), cost)).decrypt(told["sealed"].encode())
    except (InvalidToken, KeyError, ValueError, TypeError, AttributeError):
        raise ConfigurationError("backup_passphrase_wrong") from None


def _derived(passphrase: str, salt: bytes, cost: Mapping[str, int]) -> bytes:
    derived = hashlib.scrypt(passphrase.encode(), salt=salt, **cost, maxmem=MOST_BYTES, dklen=32)
    return base64.urlsafe_b64encode(derived)
