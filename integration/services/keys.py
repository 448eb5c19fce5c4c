"""Replaces the key that seals credentials."""

from integration.core.authorization import requires
from integration.core.people import Actor, Right
from integration.services.audit import Audit
from integration.store.secrets import ConnectionStore


class Keys:
    """The encryption key of a console."""

    def __init__(self, sealed: ConnectionStore, audit: Audit) -> None:
        self._sealed = sealed
        self._audit = audit

    @requires(Right.ADMINISTER)
    def change(self, by: Actor) -> int:
        """Seal all secrets with a new key while the console runs, and return how many were resealed.

        The new key comes from the settings if they have one, and otherwise is generated in the key file. Raises
        ConfigurationError: `secret_key_wrong`, with nothing changed, if a secret cannot be opened, and
        `setting_invalid` if the key of the settings is already in use.
        """
        self._audit.keep_key()  # the audit log still needs the previous key
        return self._sealed.change_key(by.ref)
