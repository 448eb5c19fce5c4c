"""Wraps the key of the credentials with a passphrase for a backup."""

import base64
import hashlib
import os
from collections.abc import Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from integration.core.errors import ConfigurationError
from integration.core.masking import register_secrets

SHORTEST = 12
COST = {"n": 2**15, "r": 8, "p": 1}  # 32 MB and about a tenth of a second for each guess
MAX_COST = {"n": 2**20, "r": 16, "p": 4}  # upper bounds for the parameters in a backup file
MAX_BYTES = 2**31 - 1  # memory limit of scrypt


def new_key() -> bytes:
    return Fernet.generate_key()


def require_long(passphrase: str) -> None:
    """Raise ConfigurationError `setting_invalid` if the passphrase is too short to protect a key."""
    if len(passphrase) < SHORTEST:
        raise ConfigurationError(
            "setting_invalid", setting="CONSOLE_BACKUP_PASSPHRASE", expected="expected_signs_least", min_length=SHORTEST
        )


def wrap_key(key: bytes, passphrase: str) -> dict[str, Any]:
    """Return a key encrypted with the passphrase, as JSON values."""
    require_long(passphrase)
    register_secrets(passphrase)
    salt = os.urandom(16)
    sealed = Fernet(_derive_key(passphrase, salt, COST)).encrypt(key)
    return {"salt": salt.hex(), **COST, "sealed": sealed.decode()}


def unwrap_key(wrapped_key: Mapping[str, Any], passphrase: str) -> bytes:
    """Return the key. Raises ConfigurationError `backup_passphrase_wrong`."""
    register_secrets(passphrase)
    try:
        cost = {name: min(int(wrapped_key[name]), limit) for name, limit in MAX_COST.items()}
        return Fernet(_derive_key(passphrase, bytes.fromhex(wrapped_key["salt"]), cost)).decrypt(
            wrapped_key["sealed"].encode()
        )
    except (InvalidToken, KeyError, ValueError, TypeError, AttributeError):
        raise ConfigurationError("backup_passphrase_wrong") from None


def _derive_key(passphrase: str, salt: bytes, cost: Mapping[str, int]) -> bytes:
    derived = hashlib.scrypt(passphrase.encode(), salt=salt, **cost, maxmem=MAX_BYTES, dklen=32)
    return base64.urlsafe_b64encode(derived)
