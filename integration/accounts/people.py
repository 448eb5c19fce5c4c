"""Who is at the console: people, how they come in, and what they may do there.

Whoever proves who somebody is (an account here, a provider, a proxy) hands on an `Identity`, and `People.enter` makes
a session of it. What somebody may do is kept here alone, and asked for at every action.
"""

import re
import secrets
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from integration.accounts.passwords import Passwords
from integration.accounts.store.people import PeopleStore as Stored
from integration.core.authorization import requires
from integration.core.errors import ConfigurationError, LoggedOutError, NotAllowedError
from integration.core.people import (
    APART,
    OPERATOR,
    RESERVED,
    AccessChannel,
    Actor,
    Person,
    Right,
    Role,
    Session,
    known_roles,
)
from integration.store.database import Clock

HERE = "here"  # the issuer of accounts of our own
SESSION = timedelta(hours=12)
INVITATION = timedelta(days=7)
FIRST = timedelta(days=1)
SHORTEST, LONGEST = 12, 200  # signs of a password
FIRST_PERSON = "admin"
ONE_LINE = 64  # bits of an address of IPv6 that whoever has a line cannot change
INVITED_AT = "/invitation"  # the address by which somebody accepts
_REF = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,63}")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is, as an issuer has proven it: `subject` never changes there, a name may."""

    issuer: str
    subject: str


class People:
    """Everybody who may use the console, and who is there right now."""

    def __init__(self, stored: Stored, clock: Clock, *, asks: bool, is_safe: bool) -> None:
        """`asks`: nobody comes in without a log-in, from the very first on; `is_safe`: all comes by TLS."""
        self.cookie = "__Host-sluis" if is_safe else "sluis"  # under which a browser keeps the key of its session
        self._stored = stored
        self._clock = clock
        self._asks = asks
        self._passwords = Passwords()

    # ---- who acts, asked at every action

    @requires(Right.SEE)
    def asks_log_in(self) -> bool:
        """Tell whether people log in here: a setting says so, or anybody ever has."""
        return self._asks or self._stored.any_has_come()

    def who(self, key: str) -> Actor:
        """Return who acts in a browser, by the key of its session. Raises LoggedOutError where that holds nothing.

        Where nobody logs in, whoever sits before the machine is the operator.
        """
        actor = self._stored.in_session(key=key) if key else None
        if actor is not None:
            return actor
        if self.asks_log_in():
            raise LoggedOutError
        return OPERATOR

    def admit(self, actor: Actor) -> Actor:
        """Return somebody as they are known now: in a session that holds still, with the roles they have now.

        Raises LoggedOutError.
        """
        if actor.session:
            now = self._stored.in_session(identity=actor.session)
            if now is None or now.ref != actor.ref:
                raise LoggedOutError
            return now
        if actor.came is AccessChannel.CONSOLE and self.asks_log_in():
            raise LoggedOutError
        return actor

    def is_of(self, actor: Actor, identity: Identity) -> bool:
        """Tell whether somebody is the person who has this identity."""
        person = self._stored.known_as(identity.issuer, identity.subject)
        return person is not None and person.ref == actor.ref

    @requires(Right.SEE)
    def leave(self, by: Actor) -> None:
        """End the session somebody is in."""
        if by.session:
            self._stored.leave(by.session, by.ref)

    # ---- how they come in

    def enter(self, identity: Identity, invitation: str = "") -> str:
        """Begin a session of the person who has this identity, and return the key that their browser keeps.

        With an invitation the person it is for has this identity from now on. Raises NotAllowedError `invitation_spent`
        for one that no longer holds, and `person_unknown` where nobody was invited so.
        """
        if invitation:
            person = self._stored.accept(invitation, identity.issuer, identity.subject)
            if person is None:
                raise NotAllowedError("invitation_spent")
        else:
            person = self._stored.known_as(identity.issuer, identity.subject)
        if person is None or person.off_at is not None:
            raise NotAllowedError("person_unknown")
        return self._begun(person)

    def log_in(self, name: str, password: str, address: str = "") -> str:
        """Begin a session of an account here, and return the key that the browser at this address keeps.

        Raises NotAllowedError `log_in_refused`, whatever of it was wrong, and `log_in_throttled` after a few of those
        from there.
        """
        ref, place = _as_ref(name), network_of(address)
        wait = self._stored.may_try(ref, place)
        if wait:
            raise NotAllowedError("log_in_throttled", seconds=max(1, round(wait.total_seconds())))
        person = self._stored.known_as(HERE, ref)
        if not self._passwords.fits(self._stored.password(ref) if person else "", _as_password(password)):
            raise NotAllowedError("log_in_refused")
        if person is None or person.off_at is not None:
            raise NotAllowedError("log_in_refused")
        self._stored.succeeded(ref, place)
        return self._begun(person)

    def invited(self, key: str) -> Person | None:
        """Return whom an invitation is for, None where it no longer holds."""
        return self._stored.invited(key) if key else None

    def accept(self, key: str, password: str, address: str = "") -> str:
        """Make the account of whoever was invited, with a password, and begin a session: return its key.

        Raises NotAllowedError `invitation_spent`, and ConfigurationError `password_weak` before anything is spent.
        """
        person = self.invited(key)
        if person is None:
            raise NotAllowedError("invitation_spent")
        wanted = _as_password(password)
        if not SHORTEST <= len(wanted) <= LONGEST or person.ref in wanted.lower() or len(set(wanted)) < SHORTEST // 2:
            raise ConfigurationError("password_weak", least=SHORTEST)
        if self._stored.accept(key, HERE, person.ref, self._passwords.made(wanted)) is None:
            raise NotAllowedError("invitation_spent")
        self._stored.succeeded(person.ref, network_of(address))
        return self._begun(person)

    def first_invitation(self) -> str:
        """Return the key of an invitation for the first administrator; nothing once there is one, or nobody logs in."""
        if not self._asks or any(_administers(one) and one.has_come for one in self._stored.every()):
            return ""
        self._stored.add(FIRST_PERSON, "", {Role.ADMINISTRATOR, *APART}, "start")
        key = secrets.token_urlsafe(32)
        self._stored.invite(FIRST_PERSON, key, self._clock() + FIRST, "start")
        return key

    def _begun(self, person: Person) -> str:
        key = secrets.token_urlsafe(32)
        self._stored.begin(secrets.token_hex(8), key, person.ref, self._clock() + SESSION)
        return key

    # ---- what an administrator does

    @requires(Right.ADMINISTER)
    def every(self) -> list[Person]:
        """Return everybody there is, by reference."""
        return self._stored.every()

    @requires(Right.SEE)
    def names(self) -> dict[str, str]:
        """Return what people who can act are called, by reference."""
        return {one.ref: one.name or one.ref for one in self._stored.every() if one.off_at is None}

    def deciders(self, right: Right) -> int:
        """Return how many people have a right and can log in."""
        here = (one for one in self._stored.every() if one.has_come and one.off_at is None)
        return sum(one.as_actor("").may(right) for one in here)

    @requires(Right.ADMINISTER)
    def sessions(self) -> list[Session]:
        """Return the sessions that hold, the newest first."""
        return self._stored.sessions()

    @requires(Right.ADMINISTER)
    def invite(self, ref: str, name: str, grants: Collection[str], by: Actor) -> str:
        """Invite a person, or one who is known to come anew, and return the key of the link: it works once.

        `grants` are names of roles and of rights beside them; of a person who is known they stay. Raises
        ConfigurationError `person_name_invalid`, and `first_administrator` while nobody administers the console.
        """
        wanted = _as_ref(ref)
        if not _REF.fullmatch(wanted) or wanted in RESERVED:
            raise ConfigurationError("person_name_invalid", name=ref)
        if Role.ADMINISTRATOR not in grants and not any(map(_administers, self._stored.every())):
            raise ConfigurationError("first_administrator")
        known_one = self._stored.get(wanted)
        if known_one is not None and known_one.off_at is not None:
            self._stored.switch(wanted, by.ref, on=True)
        if known_one is None:
            self._stored.add(wanted, " ".join(name.split())[:100], _names(grants), by.ref)
        key = secrets.token_urlsafe(32)
        self._stored.invite(wanted, key, self._clock() + INVITATION, by.ref)
        return key

    @requires(Right.ADMINISTER)
    def change(self, ref: str, grants: Collection[str], by: Actor) -> None:
        """Change what a person may do, from their next action on. Raises NotAllowedError `last_administrator`."""
        self._expect_another(ref, stays=Role.ADMINISTRATOR in grants)
        self._stored.change(ref, _names(grants), by.ref)

    @requires(Right.ADMINISTER)
    def switch(self, ref: str, by: Actor, *, on: bool) -> None:
        """Shut a person out and end their sessions, or let them in again.

        Raises NotAllowedError `last_administrator`.
        """
        self._expect_another(ref, stays=on)
        self._stored.switch(ref, by.ref, on=on)

    @requires(Right.ADMINISTER)
    def revoke(self, session: str, by: Actor) -> None:
        """End a session: nothing more is done in it, and its first approvals and requests no longer count."""
        self._stored.revoke(session, by.ref)

    def _expect_another(self, ref: str, *, stays: bool) -> None:
        """Raise NotAllowedError where nobody would be left who lets people in."""
        left = [one.ref for one in self._stored.every() if _administers(one) and one.has_come and one.off_at is None]
        if not stays and left == [ref]:
            raise NotAllowedError("last_administrator")


def _administers(person: Person) -> bool:
    return Role.ADMINISTRATOR in person.grants


def _names(grants: Collection[str]) -> set[str]:
    """Return the names of what may be given to a person."""
    roles, apart = known_roles(grants)
    return {*roles, *apart}


def _as_ref(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().lower()


def network_of(address: str) -> str:
    """Return what is one place among addresses: one of IPv4 itself, the network of one line for IPv6."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    if mapped is not None or not isinstance(found, IPv6Address):
        return str(mapped or found)
    return str(ip_network(f"{found}/{ONE_LINE}", strict=False))


def _as_password(given: str) -> str:
    return unicodedata.normalize("NFKC", given)
