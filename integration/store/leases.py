"""Leases that one holder at a time has, across threads, processes and machines. They expire by themselves."""

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

RETRY_SECONDS = 0.05
AHEAD_SECONDS = 5.0  # more than the clocks of two processes on a shared clock can differ


class Leases(Store):
    """Stores all leases by name."""

    def try_take(self, name: str, owner: str, seconds: float) -> bool:
        """Take a free or expired lease, or renew one's own. Return whether the caller holds the lease now.

        A lease that ends later than possible was taken before the clock was set back, and counts as expired.
        """
        now = self.clock()
        until = now + timedelta(seconds=seconds)
        claim = {"owner": owner, "until": until}
        late = until + timedelta(seconds=AHEAD_SECONDS)
        free = sa.or_(leases.c.until < now, leases.c.until > late, leases.c.owner == owner)
        try:
            with self.database.write() as connection:
                if connection.execute(leases.update().where(leases.c.name == name, free).values(claim)).rowcount:
                    return True
                if connection.execute(sa.select(leases.c.name).where(leases.c.name == name)).first():
                    return False
                connection.execute(leases.insert().values(name=name, **claim))
        except IntegrityError:  # another process was first
            return False
        return True

    def holder(self, name: str) -> str | None:
        """Return the owner of a lease, or the last owner if it expired without a release. None after a release."""
        owner: str | None = self.database.scalar(sa.select(leases.c.owner).where(leases.c.name == name))
        return owner

    def release(self, name: str, owner: str) -> None:
        """Release a lease before it expires. Does nothing if another owner holds it."""
        with self.database.write() as connection:
            connection.execute(leases.delete().where(leases.c.name == name, leases.c.owner == owner))

    @contextmanager
    def hold(self, name: str, owner: str, seconds: float, *, wait: float | None = None) -> Iterator[None]:
        """Hold a lease for the block, and wait for it if necessary.

        The lease expires `seconds` after it was taken if its holder dies. Two threads of one owner exclude each other
        too. Raises UnavailableError `lease_taken` if it does not become free within `wait` seconds.
        """
        holder = f"{owner}/{uuid.uuid4()}"
        given_up = None if wait is None else time.monotonic() + wait
        while not self.try_take(name, holder, seconds):
            if given_up is not None and time.monotonic() > given_up:
                raise UnavailableError("lease_taken", name=name)
            time.sleep(RETRY_SECONDS)
        try:
            yield
        finally:
            self.release(name, holder)
