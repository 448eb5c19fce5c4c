"""People of the console, their sessions, and their rights.

An account here, a provider or a proxy proves an `Identity`; `People.enter` begins a session for it. Only this console
stores what a person may do, and reads it at every action.
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

LOCAL_ISSUER = "here"  # the issuer of local accounts
SESSION = timedelta(hours=12)
INVITATION = timedelta(days=7)
FIRST = timedelta(days=1)
SHORTEST, LONGEST = 12, 200  # characters of a password
FIRST_PERSON = "admin"
ONE_LINE = 64  # prefix length of the IPv6 network that a provider assigns to one connection
INVITED_AT = "/invitation"  # the path at which a person accepts
_REF = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,63}")


@dataclass(frozen=True, slots=True)
class Identity:
    """A proven identity: the issuer, and the subject under which the issuer knows the person.

    A subject never changes.
    """

    issuer: str
    subject: str


class People:
    """All people who may use the console, with their sessions."""

    def __init__(self, store: Stored, clock: Clock, *, asks: bool, is_safe: bool) -> None:
        """Store the dependencies. `asks`: log-in is required from the start; `is_safe`: all requests use TLS."""
        self.cookie = "__Host-sluis" if is_safe else "sluis"  # name of the session cookie
        self._stored = store
        self._clock = clock
        self._requires_login = asks
        self._passwords = Passwords()

    # ---- the actor, checked at every action

    @requires(Right.SEE)
    def asks_log_in(self) -> bool:
        """Return True if people must log in: a setting requires it, or somebody has logged in before."""
        return self._requires_login or self._stored.has_any_login()

    def actor_of_session(self, key: str) -> Actor:
        """Return the actor of a browser session. Raises LoggedOutError if the session does not exist or has ended.

        If the console requires no log-in, the actor is the operator.
        """
        actor = self._stored.in_session(key=key) if key else None
        if actor is not None:
            return actor
        if self.asks_log_in():
            raise LoggedOutError
        return OPERATOR

    def refresh_actor(self, actor: Actor) -> Actor:
        """Return an actor with their current roles, after a check that their session is still valid.

        Raises LoggedOutError.
        """
        if actor.session:
            now = self._stored.in_session(identity=actor.session)
            if now is None or now.ref != actor.ref:
                raise LoggedOutError
            return now
        if actor.channel is AccessChannel.CONSOLE and self.asks_log_in():
            raise LoggedOutError
        return actor

    def is_of(self, actor: Actor, identity: Identity) -> bool:
        """Return True if the actor is the person who has this identity."""
        person = self._stored.person_of_subject(identity.issuer, identity.subject)
        return person is not None and person.ref == actor.ref

    @requires(Right.SEE)
    def leave(self, by: Actor) -> None:
        """End the session of an actor."""
        if by.session:
            self._stored.leave(by.session, by.ref)

    # ---- log-in

    def enter(self, identity: Identity, invitation: str = "") -> str:
        """Begin a session of the person who has this identity, and return the key for the cookie of their browser.

        With an invitation, its person has this identity from now on. Raises NotAllowedError `invitation_spent` for an
        invitation that is used or expired, and `person_unknown` if no person has this identity.
        """
        if invitation:
            person = self._stored.accept(invitation, identity.issuer, identity.subject)
            if person is None:
                raise NotAllowedError("invitation_spent")
        else:
            person = self._stored.person_of_subject(identity.issuer, identity.subject)
        if person is None or person.deactivated_at is not None:
            raise NotAllowedError("person_unknown")
        return self._begin_session(person)

    def log_in(self, name: str, password: str, address: str = "") -> str:
        """Begin a session of a local account from a network address, and return the key for the cookie of the browser.

        Raises NotAllowedError `log_in_refused`, whether name or password was wrong, and `log_in_throttled` after
        several failures from the same place.
        """
        ref, place = _normalized_ref(name), network_of(address)
        wait = self._stored.count_attempt(ref, place)
        if wait:
            raise NotAllowedError("log_in_throttled", seconds=max(1, round(wait.total_seconds())))
        person = self._stored.person_of_subject(LOCAL_ISSUER, ref)
        if not self._passwords.verify(self._stored.password(ref) if person else "", _normalized_password(password)):
            raise NotAllowedError("log_in_refused")
        if person is None or person.deactivated_at is not None:
            raise NotAllowedError("log_in_refused")
        self._stored.clear_attempts(ref, place)
        return self._begin_session(person)

    def invited(self, key: str) -> Person | None:
        """Return the person of an invitation, or None if it is used or expired."""
        return self._stored.invited(key) if key else None

    def accept(self, key: str, password: str, address: str = "") -> str:
        """Create the local account of an invited person with this password, begin a session and return its key.

        Raises NotAllowedError `invitation_spent`, and ConfigurationError `password_weak` before the invitation is used.
        """
        person = self.invited(key)
        if person is None:
            raise NotAllowedError("invitation_spent")
        normalized = _normalized_password(password)
        if (
            not SHORTEST <= len(normalized) <= LONGEST
            or person.ref in normalized.lower()
            or len(set(normalized)) < SHORTEST // 2
        ):
            raise ConfigurationError("password_weak", least=SHORTEST)
        if self._stored.accept(key, LOCAL_ISSUER, person.ref, self._passwords.hash(normalized)) is None:
            raise NotAllowedError("invitation_spent")
        self._stored.clear_attempts(person.ref, network_of(address))
        return self._begin_session(person)

    def first_invitation(self) -> str:
        """Return the key of an invitation for the first administrator, or an empty text if none is needed.

        None is needed once an administrator has logged in, or if the console requires no log-in.
        """
        if not self._requires_login or any(
            _administers(person) and person.has_logged_in for person in self._stored.list_people()
        ):
            return ""
        self._stored.add(FIRST_PERSON, "", {Role.ADMINISTRATOR, *APART}, "start")
        key = secrets.token_urlsafe(32)
        self._stored.invite(FIRST_PERSON, key, self._clock() + FIRST, "start")
        return key

    def _begin_session(self, person: Person) -> str:
        key = secrets.token_urlsafe(32)
        self._stored.begin(secrets.token_hex(8), key, person.ref, self._clock() + SESSION)
        return key

    # ---- administration

    @requires(Right.ADMINISTER)
    def list_people(self) -> list[Person]:
        """Return all people, by reference."""
        return self._stored.list_people()

    @requires(Right.SEE)
    def names(self) -> dict[str, str]:
        """Return the display names of all active people, by reference."""
        return {
            person.ref: person.name or person.ref
            for person in self._stored.list_people()
            if person.deactivated_at is None
        }

    def get(self, ref: str) -> Person | None:
        """Return a person by reference."""
        return self._stored.get(ref)

    def deciders(self, right: Right) -> int:
        """Return how many people have a right and can log in."""
        return sum(_decides(person, right) for person in self._stored.list_people())

    def decides(self, ref: str, right: Right) -> bool:
        """Return True if this person has a right and can log in."""
        person = self._stored.get(ref)
        return person is not None and _decides(person, right)

    @requires(Right.ADMINISTER)
    def sessions(self) -> list[Session]:
        """Return the active sessions, newest first."""
        return self._stored.sessions()

    @requires(Right.ADMINISTER)
    def invite(self, ref: str, name: str, grants: Collection[str], by: Actor) -> str:
        """Invite a new person, or a known one again, and return the key of the link, which works once.

        `grants` are names of roles and of single rights; those of a known person stay as they are. Raises
        ConfigurationError `person_name_invalid`, and `first_administrator` while there is no administrator.
        """
        new_ref = _normalized_ref(ref)
        if not _REF.fullmatch(new_ref) or new_ref in RESERVED:
            raise ConfigurationError("person_name_invalid", name=ref)
        if Role.ADMINISTRATOR not in grants and not any(map(_administers, self._stored.list_people())):
            raise ConfigurationError("first_administrator")
        known_one = self._stored.get(new_ref)
        if known_one is not None and known_one.deactivated_at is not None:
            self._stored.set_active(new_ref, by.ref, on=True)
        if known_one is None:
            self._stored.add(new_ref, " ".join(name.split())[:100], _names(grants), by.ref)
        key = secrets.token_urlsafe(32)
        self._stored.invite(new_ref, key, self._clock() + INVITATION, by.ref)
        return key

    def change(self, ref: str, grants: Collection[str], by: Actor) -> None:
        """Change the rights of a person, effective at their next action; see `FourEyes.change_person`.

        Raises NotAllowedError `last_administrator`.
        """
        self._stored.change(ref, _names(grants), by.ref)

    def set_active(self, ref: str, by: Actor, *, on: bool) -> None:
        """Deactivate a person and end their sessions, or activate them again; see `FourEyes.set_person_active`.

        Raises NotAllowedError `last_administrator`.
        """
        self._stored.set_active(ref, by.ref, on=on)

    @requires(Right.ADMINISTER)
    def revoke(self, session: str, by: Actor) -> None:
        """End a session. Its first approvals and change requests no longer count."""
        self._stored.revoke(session, by.ref)


def _administers(person: Person) -> bool:
    return Role.ADMINISTRATOR in person.grants


def _decides(person: Person, right: Right) -> bool:
    return person.has_logged_in and person.deactivated_at is None and person.as_actor("").may(right)


def _names(grants: Collection[str]) -> set[str]:
    """Return the grants that are known roles or rights."""
    roles, apart = known_roles(grants)
    return {*roles, *apart}


def _normalized_ref(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().lower()


def network_of(address: str) -> str:
    """Return the network that counts as one place: the address itself for IPv4, the /64 network for IPv6."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    if mapped is not None or not isinstance(parsed, IPv6Address):
        return str(mapped or parsed)
    return str(ip_network(f"{parsed}/{ONE_LINE}", strict=False))


def _normalized_password(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
