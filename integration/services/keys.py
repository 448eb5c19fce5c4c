"""The key that seals credentials, and another one in its place."""

from collections.abc import Callable

from integration.core.authorization import requires
from integration.core.people import Actor, Right
from integration.store.secrets import ConnectionStore


class Keys:
    """The key of a console."""

    def __init__(self, sealed: ConnectionStore, remember: Callable[[], None]) -> None:
        """`remember` keeps what follows from the key of before and is needed longer, such as that of the audit."""
        self._sealed = sealed
        self._remember = remember

    @requires(Right.ADMINISTER)
    def change(self, by: Actor) -> int:
        """Seal everything with another key, while the console runs, and return how much that is.

        It is the key of the settings where they give one, else a fresh one in the file. Raises ConfigurationError:
        `secret_key_wrong`, with nothing changed, where something cannot be opened, and `setting_invalid` where the key
        of the settings is in use already.
        """
        self._remember()
        return self._sealed.change_key(by.ref)
