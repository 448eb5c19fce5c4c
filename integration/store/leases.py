"""Rights that one holder at a time has, across threads, processes and machines. They end by themselves."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from integration.core.errors import UnavailableError
from integration.store.database import Store
from integration.store.tables import leases

LOOK_AGAIN_SECONDS = 0.05
AHEAD_SECONDS = 5.0  # more than two processes can be apart that share a clock


class Leases(Store):
    """All leases by name."""

    def try_take(self, name: str, owner: str, seconds: float) -> bool:
        """Take a lease that is free or over, or renew one's own, and tell whether it is held now.

        One that lasts longer than it can was taken before the clock was set back, and is over.
        """
        now = self.clock()
        until = now + timedelta(seconds=seconds)
        mine = {"owner": owner, "until": until}
        late = until + timedelta(seconds=AHEAD_SECONDS)
        free = sa.or_(leases.c.until < now, leases.c.until > late, leases.c.owner == owner)
        try:
            with self.database.write() as connection:
                if connection.execute(leases.update().where(leases.c.name == name, free).values(mine)).rowcount:
                    return True
                if connection.execute(sa.select(leases.c.name).where(leases.c.name == name)).first():
                    return False
                connection.execute(leases.insert().values(name=name, **mine))
        except IntegrityError:  # another process was first
            return False
        return True

    def holder(self, name: str) -> str | None:
        """Return who holds a lease, or held it last without giving it back."""
        found: str | None = self.database.scalar(sa.select(leases.c.owner).where(leases.c.name == name))
        return found

    def release(self, name: str, owner: str) -> None:
        """Give a lease back before its end; one that somebody else took over stays theirs."""
        with self.database.write() as connection:
            connection.execute(leases.delete().where(leases.c.name == name, leases.c.owner == owner))

    @contextmanager
    def hold(self, name: str, owner: str, seconds: float, *, wait: float | None = None) -> Iterator[None]:
        """Hold a lease for the block, waiting for it as long as it takes.

        `seconds` is how long it lasts when the holder dies. Two threads of one owner exclude each other too. Raises
        UnavailableError `lease_taken` when it was not free within `wait` seconds.
        """
        holder = f"{owner}/{uuid.uuid4()}"
        given_up = None if wait is None else time.monotonic() + wait
        while not self.try_take(name, holder, seconds):
            if given_up is not None and time.monotonic() > given_up:
                raise UnavailableError("lease_taken", name=name)
            time.sleep(LOOK_AGAIN_SECONDS)
        try:
            yield
        finally:
            self.release(name, holder)
