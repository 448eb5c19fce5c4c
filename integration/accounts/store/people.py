"""Who may use the console: people, the sessions in which they do, and the invitations by which they come.

Of what a browser or a link holds only a hash is kept: whoever reads the database can use none of it.
"""

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from integration.accounts.store.change_requests import withdraw_change_requests
from integration.accounts.store.first_approvals import withdraw_yeses
from integration.core.people import Actor, Person, Right, Session, known_roles
from integration.store.database import Store, upsert
from integration.store.events import Event
from integration.store.outbox import append_events
from integration.store.prepared_statements import PreparedStatement
from integration.store.tables import invitations, people, sessions, tries

SHORT, LONGEST_WAIT = timedelta(seconds=1), timedelta(minutes=15)
FREE_TRIES = 4  # from one place, before somebody there has to wait
MOST_TRIES, SPAN = 30, timedelta(minutes=15)  # under one name from all places together, within so long
FORGOTTEN = timedelta(days=1)  # a name that nobody has tried for so long
_CAME = PreparedStatement(
    sa.select(people.c.ref).where(people.c.subject.is_not(None)).limit(1)
)  # asked at every right looked at


def key_hash(key: str) -> str:
    """Return what is kept of a key that is long and random."""
    return hashlib.sha256(key.encode()).hexdigest()


class PeopleStore(Store):
    """People by their reference, with their sessions and invitations."""

    # ---- people

    def every(self) -> list[Person]:
        """Return everybody, by reference, with until when an invitation of theirs holds."""
        until = sa.func.max(invitations.c.until).label("invited_until")
        asked = sa.select(people, until).join(invitations, invitations.c.person == people.c.ref, isouter=True)
        return [_person(row) for row in self.database.rows(asked.group_by(*people.c).order_by(people.c.ref))]

    def get(self, ref: str) -> Person | None:
        """Return a person by reference."""
        return self._one(people.c.ref == ref)

    def known_as(self, issuer: str, subject: str) -> Person | None:
        """Return the person whom an issuer knows by a subject."""
        return self._one(people.c.issuer == issuer, people.c.subject == subject)

    def password(self, ref: str) -> str:
        """Return what is kept of a person's password, nothing where they have none."""
        return str(self.database.scalar(sa.select(people.c.password).where(people.c.ref == ref)) or "")

    def any_has_come(self) -> bool:
        """Tell whether anybody has ever logged in here."""
        return bool(self.database.ready(_CAME, {}))

    def add(self, ref: str, name: str, grants: Collection[str], by: str) -> bool:
        """Add a person who has not come yet; tell whether the reference was free."""
        now = self.clock()
        values = {"ref": ref, "name": name, "grants": sorted(grants), "password": "", "by": by, "made_at": now}
        try:
            with self.database.write() as connection:
                connection.execute(people.insert().values(values))
                self._tell(connection, "person_added", ref, by, grants=" ".join(sorted(grants)))
        except IntegrityError:
            return False
        return True

    def change(self, ref: str, grants: Collection[str], by: str) -> None:
        """Change what a person may do, from their next action on.

        Who may approve no plan any more loses the first approvals that wait for a second, and who may not change a
        setting any more the requests to change it.
        """
        roles, apart = known_roles(grants)
        changed = Actor(ref, roles=roles, apart=apart)
        with self.database.write() as connection:
            connection.execute(people.update().where(people.c.ref == ref).values(grants=sorted(grants)))
            if not changed.may(Right.RUN):
                withdraw_yeses(connection, by=ref)
            withdraw_change_requests(connection, by=ref, rights=changed.rights)
            self._tell(connection, "person_changed", ref, by, grants=" ".join(sorted(grants)))

    def switch(self, ref: str, by: str, *, on: bool) -> None:
        """Let a person do nothing any more, and end all their sessions; or let them come again.

        First approvals of a person who is shut out are withdrawn, and so are their requests to change settings.
        """
        now = self.clock()
        with self.database.write() as connection:
            connection.execute(people.update().where(people.c.ref == ref).values(off_at=None if on else now))
            if not on:
                self._end(connection, sessions.c.person == ref)
                connection.execute(invitations.delete().where(invitations.c.person == ref))
                withdraw_yeses(connection, by=ref)
                withdraw_change_requests(connection, by=ref)
            self._tell(connection, "person_on" if on else "person_off", ref, by)

    # ---- invitations

    def invite(self, ref: str, key: str, until: datetime, by: str) -> None:
        """Keep the hash of an invitation in place of any before."""
        with self.database.write() as connection:
            connection.execute(invitations.delete().where(invitations.c.person == ref))
            connection.execute(
                invitations.insert().values({"key": key_hash(key), "person": ref, "by": by, "until": until})
            )
            self._tell(connection, "person_invited", ref, by)

    def invited(self, key: str) -> Person | None:
        """Return whom an invitation that holds is for."""
        holds = (invitations.c.key == key_hash(key), invitations.c.until > self.clock())
        return self._one(people.c.ref.in_(sa.select(invitations.c.person).where(*holds)), people.c.off_at.is_(None))

    def accept(self, key: str, issuer: str, subject: str, password: str = "") -> Person | None:
        """Spend an invitation: from now on the person is known to this issuer so. None where it no longer holds.

        What the person could log in with before holds no more, nor do their sessions, first approvals and requests.
        """
        now = self.clock()
        try:
            return self._accepted(key, now, {"issuer": issuer, "subject": subject, "password": password})
        except IntegrityError:  # somebody else is known so
            return None

    def _accepted(self, key: str, now: datetime, values: Mapping[str, str]) -> Person | None:
        with self.database.write() as connection:
            spent = invitations.delete().where(invitations.c.key == key_hash(key), invitations.c.until > now)
            ref = connection.scalar(spent.returning(invitations.c.person))
            here = (people.c.ref == ref, people.c.off_at.is_(None))
            if ref is None or not connection.execute(people.update().where(*here).values(values)).rowcount:
                return None
            self._end(connection, sessions.c.person == ref)
            withdraw_yeses(connection, by=ref)
            withdraw_change_requests(connection, by=ref)
            self._tell(connection, "person_came", ref, ref)
        return self.get(ref)

    # ---- sessions

    def begin(self, identity: str, key: str, ref: str, until: datetime) -> None:
        """Begin a session of a person; those that are long over are forgotten."""
        now = self.clock()
        values = {"id": identity, "key": key_hash(key), "person": ref, "begun_at": now, "until": until}
        with self.database.write() as connection:
            connection.execute(sessions.delete().where(sessions.c.until < now - FORGOTTEN))
            connection.execute(sessions.insert().values(values))
            self._tell(connection, "session_begun", ref, ref, session=identity)

    def in_session(self, *, key: str = "", identity: str = "") -> Actor | None:
        """Return who is in a session that holds, as they are now, by the browser's key or by the session itself."""
        mine = sessions.c.key == key_hash(key) if key else sessions.c.id == identity
        holds = (mine, sessions.c.until > self.clock(), sessions.c.revoked_at.is_(None), people.c.off_at.is_(None))
        asked = sa.select(people, sessions.c.id).join(sessions, sessions.c.person == people.c.ref)
        row = next(iter(self.database.rows(asked.where(*holds))), None)
        return _person(row).as_actor(row.id) if row is not None else None

    def sessions(self) -> list[Session]:
        """Return the sessions that hold, the newest first."""
        holds = (sessions.c.until > self.clock(), sessions.c.revoked_at.is_(None))
        found = self.database.rows(sa.select(sessions).where(*holds).order_by(sessions.c.begun_at.desc()))
        return [Session(row.id, row.person, row.begun_at, row.until) for row in found]

    def revoke(self, identity: str, by: str) -> None:
        """End a session: nothing more is done in it, and its first approvals and requests are withdrawn."""
        with self.database.write() as connection:
            self._end(connection, sessions.c.id == identity)
            withdraw_yeses(connection, session=identity)
            withdraw_change_requests(connection, session=identity)
            self._tell(connection, "session_revoked", identity, by)

    def leave(self, identity: str, by: str) -> None:
        """End a session that its person leaves; what they approved in it still counts."""
        with self.database.write() as connection:
            self._end(connection, sessions.c.id == identity)
            self._tell(connection, "session_revoked", identity, by)

    def _end(self, connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
        here = (which, sessions.c.revoked_at.is_(None))
        connection.execute(sessions.update().where(*here).values(revoked_at=self.clock()))

    # ---- what was tried

    def may_try(self, name: str, place: str) -> timedelta:
        """Count a try to log in under a name as failed, until `succeeded`; return how long nobody there may try again.

        Whoever fails waits ever longer at their own `place`, such as an address. All places together have far more
        tries, so that one alone cannot keep somebody out who is elsewhere, and many get no further than a few.
        It is counted before anything is looked at, so that many at once are no more than one after the other; while
        somebody has to wait, nothing is counted.
        """
        now, here, everywhere = self.clock(), key_hash(f"{name}\n{place}"), key_hash(name)
        with self.database.write() as connection:
            connection.execute(tries.delete().where(tries.c.until < now - FORGOTTEN))
            found = sa.select(tries).where(tries.c.name.in_((here, everywhere))).order_by(tries.c.name)
            rows = {row.name: row for row in connection.execute(found.with_for_update())}
            own, all_ = rows.get(here), rows.get(everywhere)
            if own is not None and own.until > now:
                return timedelta(seconds=(own.until - now).total_seconds())
            within = all_ is not None and all_.until > now
            if all_ is not None and within and all_.failed >= MOST_TRIES:
                return timedelta(seconds=(all_.until - now).total_seconds())
            failed = 1 + (own.failed if own is not None else 0)
            wait = min(LONGEST_WAIT, SHORT * 2 ** min(failed - FREE_TRIES, 20)) if failed > FREE_TRIES else timedelta(0)
            counted = {"failed": all_.failed + 1, "until": all_.until} if all_ is not None and within else {}
            upsert(connection, tries, [
                {"name": here, "failed": failed, "until": now + wait},
                {"name": everywhere, "failed": 1, "until": now + SPAN, **counted},
            ])  # fmt: skip
        return timedelta(0)

    def succeeded(self, name: str, place: str) -> None:
        """Forget what was tried under a name from a place."""
        with self.database.write() as connection:
            connection.execute(tries.delete().where(tries.c.name.in_((key_hash(f"{name}\n{place}"), key_hash(name)))))

    # ----

    def _one(self, *where: sa.ColumnElement[bool]) -> Person | None:
        row = next(iter(self.database.rows(sa.select(people).where(*where))), None)
        return _person(row) if row is not None else None

    def _tell(self, connection: sa.Connection, event: str, key: str, by: str, **facts: str) -> None:
        append_events(connection, self.clock(), [Event(event=event, key=key, facts={"by": by, **facts})])


def _person(row: sa.Row[Any]) -> Person:
    return Person(
        row.ref, row.name, tuple(row.grants), row.subject is not None, row.off_at,
        getattr(row, "invited_until", None),
    )  # fmt: skip
