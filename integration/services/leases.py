"""Rights that this process holds while it lives, and takes over from processes of this machine that died."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from integration.core.errors import ConfigurationError
from integration.store.leases import Leases

SLOT_SECONDS = 60.0
MOST_PROCESSES = 100


class OwnLeases:
    """The leases of this process."""

    def __init__(self, leases: Leases, owner: str = "") -> None:
        """`owner` is what tells this process from others; its machine and number unless given."""
        self._leases = leases
        self._owner = owner or f"{socket.gethostname()}-{os.getpid()}"

    def takes(self, lease: str) -> bool:
        """Take or renew a lease, also that of a process of this machine that died, and tell whether it is held now."""
        holder = self._leases.holder(lease)
        if holder and _is_dead(holder):
            self._leases.release(lease, holder)
        return self._leases.try_take(lease, self._owner, SLOT_SECONDS)

    def release(self, lease: str) -> None:
        """Give a lease back."""
        self._leases.release(lease, self._owner)

    @contextmanager
    def slot(self, name: str) -> Iterator[str]:
        """Hold a stable name for this process: two live processes with one name would steal each other's runs."""
        slots = (f"{name}-{number}" for number in range(1, MOST_PROCESSES))
        slot = next((one for one in slots if self.takes(f"executor:{one}")), None)
        if slot is None:
            raise ConfigurationError("setting_invalid", setting="worker", expected="expected_less", lt=MOST_PROCESSES)
        stop = threading.Event()

        def renew() -> None:
            while not stop.wait(SLOT_SECONDS / 4):
                self.takes(f"executor:{slot}")

        keeper = threading.Thread(target=renew, name="executor-slot", daemon=True)
        keeper.start()
        try:
            yield slot
        finally:
            stop.set()
            keeper.join()
            self.release(f"executor:{slot}")


def _is_dead(owner: str) -> bool:
    """Tell whether an owner was a process of this machine that no longer lives."""
    host, _, process = owner.rpartition("-")
    if host != socket.gethostname() or not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
