"""The key that seals credentials, and another one in its place."""

from integration.core.authorization import requires
from integration.core.people import Actor, Right
from integration.services.audit import Audit
from integration.store.secrets import ConnectionStore


class Keys:
    """The key of a console."""

    def __init__(self, sealed: ConnectionStore, audit: Audit) -> None:
        self._sealed = sealed
        self._audit = audit

    @requires(Right.ADMINISTER)
    def change(self, by: Actor) -> int:
        """Seal everything with another key, while the console runs, and return how much that is.

        It is the key of the settings where they give one, else a fresh one in the file. Raises ConfigurationError:
        `secret_key_wrong`, with nothing changed, where something cannot be opened, and `setting_invalid` where the key
        of the settings is in use already.
        """
        self._audit.keep_key()  # the audit needs the key of before longer
        return self._sealed.change_key(by.ref)
