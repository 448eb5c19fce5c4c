"""Stores people, their sessions and invitations, and failed log-ins.

Keys of browsers and links are stored as hashes only, so that a reader of the database cannot use them.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from integration.accounts.store.change_requests import withdraw_change_requests
from integration.accounts.store.first_approvals import withdraw_first_approvals
from integration.core.errors import NotAllowedError
from integration.core.people import Actor, Person, Right, Role, Session, known_roles
from integration.store.database import Store, upsert
from integration.store.events import Event
from integration.store.outbox import append_events
from integration.store.prepared_statements import PreparedStatement
from integration.store.tables import invitations, login_attempts, people, sessions

SHORT, LONGEST_WAIT = timedelta(seconds=1), timedelta(minutes=15)
FREE_TRIES = 4  # from one place, before the first wait
MAX_TRIES, SPAN = 30, timedelta(minutes=15)  # per name from all places together, within this time
DELETE_AFTER = timedelta(days=1)  # failed attempts and ended sessions are deleted after this time
_CAME = PreparedStatement(
    sa.select(people.c.ref).where(people.c.subject.is_not(None)).limit(1)
)  # runs at every check of a right


def key_hash(key: str) -> str:
    """Return the hash to store for a long random key."""
    return hashlib.sha256(key.encode()).hexdigest()


@contextmanager
def _keeping_an_administrator(connection: sa.Connection) -> Iterator[None]:
    """Raise NotAllowedError `last_administrator` if the block removes the last administrator who can log in.

    Locks the people, so that two administrators cannot remove each other at the same time.
    """
    connection.execute(sa.select(people.c.ref).order_by(people.c.ref).with_for_update())
    had_one = _has_administrator(connection)
    yield
    if had_one and not _has_administrator(connection):
        raise NotAllowedError("last_administrator")


def _has_administrator(connection: sa.Connection) -> bool:
    query = sa.select(people.c.grants).where(people.c.subject.is_not(None), people.c.deactivated_at.is_(None))
    return any(Role.ADMINISTRATOR in grants for grants in connection.execute(query).scalars())


class PeopleStore(Store):
    """People by reference, with their sessions and invitations."""

    # ---- people

    def list_people(self) -> list[Person]:
        """Return all people, by reference, each with the expiry of an open invitation."""
        until = sa.func.max(invitations.c.until).label("invited_until")
        query = sa.select(people, until).join(invitations, invitations.c.person == people.c.ref, isouter=True)
        return [_person(row) for row in self.database.rows(query.group_by(*people.c).order_by(people.c.ref))]

    def get(self, ref: str) -> Person | None:
        """Return a person by reference."""
        return self._find_person(people.c.ref == ref)

    def person_of_subject(self, issuer: str, subject: str) -> Person | None:
        """Return the person whom an issuer knows by a subject."""
        return self._find_person(people.c.issuer == issuer, people.c.subject == subject)

    def password(self, ref: str) -> str:
        """Return the password hash of a person, or an empty text if they have none."""
        return str(self.database.scalar(sa.select(people.c.password).where(people.c.ref == ref)) or "")

    def has_any_login(self) -> bool:
        """Return True if anybody has ever logged in."""
        return bool(self.database.prepared_rows(_CAME, {}))

    def add(self, ref: str, name: str, grants: Collection[str], by: str) -> bool:
        """Add a person who has not logged in yet, and return True if the reference was free."""
        now = self.clock()
        values = {"ref": ref, "name": name, "grants": sorted(grants), "password": "", "by": by, "created_at": now}
        try:
            with self.database.write() as connection:
                connection.execute(people.insert().values(values))
                self._tell(connection, "person_added", ref, by, grants=" ".join(sorted(grants)))
        except IntegrityError:
            return False
        return True

    def change(self, ref: str, grants: Collection[str], by: str) -> None:
        """Change the rights of a person, effective at their next action.

        A person who may no longer approve plans loses their first approvals. Requests to change a setting are deleted
        if the person no longer has the right for it. Raises NotAllowedError `last_administrator`.
        """
        roles, apart = known_roles(grants)
        changed = Actor(ref, roles=roles, extra_rights=apart)
        with self.database.write() as connection, _keeping_an_administrator(connection):
            connection.execute(people.update().where(people.c.ref == ref).values(grants=sorted(grants)))
            if not changed.may(Right.RUN):
                withdraw_first_approvals(connection, by=ref)
            withdraw_change_requests(connection, by=ref, rights=changed.rights)
            self._tell(connection, "person_changed", ref, by, grants=" ".join(sorted(grants)))

    def set_active(self, ref: str, by: str, *, on: bool) -> None:
        """Deactivate a person and end their sessions, or activate them again.

        Deactivation also withdraws the first approvals and change requests of the person. Raises NotAllowedError
        `last_administrator`.
        """
        now = self.clock()
        with self.database.write() as connection, _keeping_an_administrator(connection):
            connection.execute(people.update().where(people.c.ref == ref).values(deactivated_at=None if on else now))
            if not on:
                self._revoke(connection, sessions.c.person == ref)
                connection.execute(invitations.delete().where(invitations.c.person == ref))
                withdraw_first_approvals(connection, by=ref)
                withdraw_change_requests(connection, by=ref)
            self._tell(connection, "person_on" if on else "person_off", ref, by)

    # ---- invitations

    def invite(self, ref: str, key: str, until: datetime, by: str) -> None:
        """Store the hash of an invitation in place of an earlier one."""
        with self.database.write() as connection:
            connection.execute(invitations.delete().where(invitations.c.person == ref))
            connection.execute(
                invitations.insert().values({"key": key_hash(key), "person": ref, "by": by, "until": until})
            )
            self._tell(connection, "person_invited", ref, by)

    def invited(self, key: str) -> Person | None:
        """Return the person of an unexpired invitation."""
        holds = (invitations.c.key == key_hash(key), invitations.c.until > self.clock())
        return self._find_person(
            people.c.ref.in_(sa.select(invitations.c.person).where(*holds)), people.c.deactivated_at.is_(None)
        )

    def accept(self, key: str, issuer: str, subject: str, password: str = "") -> Person | None:
        """Use an invitation: link its person to this identity.

        Return None if it is used or expired, or the identity is taken.

        The earlier identity and password of the person, their sessions, first approvals and requests become invalid.
        """
        now = self.clock()
        try:
            return self._accept_invitation(key, now, {"issuer": issuer, "subject": subject, "password": password})
        except IntegrityError:  # another person has this identity
            return None

    def _accept_invitation(self, key: str, now: datetime, values: Mapping[str, str]) -> Person | None:
        with self.database.write() as connection:
            spent = invitations.delete().where(invitations.c.key == key_hash(key), invitations.c.until > now)
            invitation = connection.execute(spent.returning(invitations.c.person, invitations.c.by)).first()
            if invitation is None:
                return None
            person = str(invitation.person)
            conditions = (people.c.ref == person, people.c.deactivated_at.is_(None))
            if not connection.execute(people.update().where(*conditions).values(values)).rowcount:
                return None
            self._revoke(connection, sessions.c.person == person)
            withdraw_first_approvals(connection, by=person)
            withdraw_change_requests(connection, by=person)
            self._tell(connection, "person_came", person, person, invited_by=invitation.by)
        return self.get(person)

    # ---- sessions

    def begin(self, identity: str, key: str, ref: str, until: datetime) -> None:
        """Begin a session of a person, and delete sessions that ended long ago."""
        now = self.clock()
        values = {"id": identity, "key": key_hash(key), "person": ref, "started_at": now, "until": until}
        with self.database.write() as connection:
            connection.execute(sessions.delete().where(sessions.c.until < now - DELETE_AFTER))
            connection.execute(sessions.insert().values(values))
            self._tell(connection, "session_begun", ref, ref, session=identity)

    def in_session(self, *, key: str = "", identity: str = "") -> Actor | None:
        """Return the actor of an active session with their current roles, by the browser's key or the session id."""
        is_session = sessions.c.key == key_hash(key) if key else sessions.c.id == identity
        holds = (
            is_session,
            sessions.c.until > self.clock(),
            sessions.c.revoked_at.is_(None),
            people.c.deactivated_at.is_(None),
        )
        query = sa.select(people, sessions.c.id).join(sessions, sessions.c.person == people.c.ref)
        row = next(iter(self.database.rows(query.where(*holds))), None)
        return _person(row).as_actor(row.id) if row is not None else None

    def sessions(self) -> list[Session]:
        """Return the active sessions, newest first."""
        holds = (sessions.c.until > self.clock(), sessions.c.revoked_at.is_(None))
        rows = self.database.rows(sa.select(sessions).where(*holds).order_by(sessions.c.started_at.desc()))
        return [Session(row.id, row.person, row.started_at, row.until) for row in rows]

    def revoke(self, identity: str, by: str) -> None:
        """End a session, and withdraw its first approvals and change requests."""
        with self.database.write() as connection:
            self._revoke(connection, sessions.c.id == identity)
            withdraw_first_approvals(connection, session=identity)
            withdraw_change_requests(connection, session=identity)
            self._tell(connection, "session_revoked", identity, by)

    def leave(self, identity: str, by: str) -> None:
        """End a session because the person logged out. Approvals given in it stay valid."""
        with self.database.write() as connection:
            self._revoke(connection, sessions.c.id == identity)
            self._tell(connection, "session_revoked", identity, by)

    def _revoke(self, connection: sa.Connection, condition: sa.ColumnElement[bool]) -> None:
        conditions = (condition, sessions.c.revoked_at.is_(None))
        connection.execute(sessions.update().where(*conditions).values(revoked_at=self.clock()))

    # ---- log-in attempts

    def count_attempt(self, name: str, place: str) -> timedelta:
        """Count a log-in attempt as failed until `clear_attempts` is called. Return how long the caller must wait.

        The wait grows with each failure from the same `place`, such as an address. The limit for all places together is
        much higher, so that one attacker cannot lock out a person elsewhere, and many attackers get only a few
        attempts. The attempt is counted before the password is checked, so that parallel attempts get no advantage over
        consecutive ones. During a wait nothing is counted.
        """
        now, place_key, name_key = self.clock(), key_hash(f"{name}\n{place}"), key_hash(name)
        with self.database.write() as connection:
            connection.execute(login_attempts.delete().where(login_attempts.c.until < now - DELETE_AFTER))
            query = (
                sa.select(login_attempts)
                .where(login_attempts.c.name.in_((place_key, name_key)))
                .order_by(login_attempts.c.name)
            )
            rows = {row.name: row for row in connection.execute(query.with_for_update())}
            own, all_ = rows.get(place_key), rows.get(name_key)
            if own is not None and own.until > now:
                return timedelta(seconds=(own.until - now).total_seconds())
            within = all_ is not None and all_.until > now
            if all_ is not None and within and all_.failed >= MAX_TRIES:
                return timedelta(seconds=(all_.until - now).total_seconds())
            failed = 1 + (own.failed if own is not None else 0)
            wait = min(LONGEST_WAIT, SHORT * 2 ** min(failed - FREE_TRIES, 20)) if failed > FREE_TRIES else timedelta(0)
            counters = {"failed": all_.failed + 1, "until": all_.until} if all_ is not None and within else {}
            upsert(connection, login_attempts, [
                {"name": place_key, "failed": failed, "until": now + wait},
                {"name": name_key, "failed": 1, "until": now + SPAN, **counters},
            ])  # fmt: skip
        return timedelta(0)

    def clear_attempts(self, name: str, place: str) -> None:
        """Delete the failed attempts of a name from a place."""
        with self.database.write() as connection:
            connection.execute(
                login_attempts.delete().where(login_attempts.c.name.in_((key_hash(f"{name}\n{place}"), key_hash(name))))
            )

    # ----

    def _find_person(self, *where: sa.ColumnElement[bool]) -> Person | None:
        row = next(iter(self.database.rows(sa.select(people).where(*where))), None)
        return _person(row) if row is not None else None

    def _tell(self, connection: sa.Connection, event: str, key: str, by: str, **facts: str) -> None:
        append_events(connection, self.clock(), [Event(event=event, key=key, facts={"by": by, **facts})])


def _person(row: sa.Row[Any]) -> Person:
    return Person(
        row.ref, row.name, tuple(row.grants), row.subject is not None, row.deactivated_at,
        getattr(row, "invited_until", None),
    )  # fmt: skip
