"""People, roles and rights, and the actor of each action.

An `Actor` performs an action. The stored part is the actor's `ref`, which never changes and is never given to anybody
else. Everything else about an actor may change and is read again at every action.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Right(StrEnum):
    """Permission to call certain methods. The services declare the right of each method."""

    SEE = "see"  # everything that pages show: states, plans, lists, days, stock
    READ_LOG = "read_log"  # the log of every record read, decided and written
    EXPORT = "export"  # download lists and days as files
    COMPARE = "compare"  # compare both systems with what was written
    RUN = "run"  # previews and commits: start, select, approve, stop, resume
    REPAIR = "repair"  # resolve exceptions, correct values, complete value tables
    ARRANGE = "arrange"  # change flows, mappings, brakes
    TRY = "try"  # the fault lab and the clock of the sandbox
    CONNECT = "connect"  # set up both systems: addresses, keys, field names
    ADMINISTER = "administer"  # people, channels, opening hours, retention
    ASK_SQL = "ask_sql"  # run SQL queries on the log
    EXPORT_LOG = "export_log"  # download the whole log as a file


class Role(StrEnum):
    """Named set of rights of a person. Rights in `APART` are granted separately."""

    VIEWER = "viewer"
    ACCOUNTANT = "accountant"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


_LOOKING = frozenset({Right.SEE})
_ACCOUNTING = _LOOKING | {Right.READ_LOG, Right.EXPORT, Right.COMPARE}
_OPERATING = _ACCOUNTING | {Right.RUN, Right.REPAIR, Right.ARRANGE, Right.TRY}

APART = frozenset({Right.ASK_SQL, Right.EXPORT_LOG})
"""Rights that no role includes, because the log holds all records of all customers."""

RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.VIEWER: _LOOKING,
    Role.ACCOUNTANT: _ACCOUNTING,
    Role.OPERATOR: _OPERATING,
    Role.ADMINISTRATOR: _OPERATING | {Right.CONNECT, Right.ADMINISTER},
}
ALL = frozenset(Right)


class AccessChannel(StrEnum):
    """Way by which an action reached the console."""

    CONSOLE = "console"
    TERMINAL = "terminal"
    SCHEDULE = "schedule"  # also everything else that the program does by itself
    API = "api"


@dataclass(frozen=True, slots=True)
class Actor:
    """Originator of an action: a person in a session, the user of this machine, or a part of the program."""

    ref: str
    name: str = ""
    roles: frozenset[Role] = frozenset()
    extra_rights: frozenset[Right] = frozenset()  # rights granted in addition to the roles
    session: str = ""  # id of the person's session; empty for an actor without a session, who is not checked
    channel: AccessChannel = AccessChannel.CONSOLE

    @property
    def rights(self) -> frozenset[Right]:
        return self.extra_rights.union(*(RIGHTS[role] for role in self.roles))

    def may(self, right: Right) -> bool:
        return right in self.rights

    def is_same(self, other: "Actor") -> bool:
        """Return True if both are the same person in the same session, even if roles or name have changed."""
        return (self.ref, self.session, self.channel) == (other.ref, other.session, other.channel)


def known_roles(names: Iterable[str]) -> tuple[frozenset[Role], frozenset[Right]]:
    """Return the roles and separate rights with these names. Names of a later version are ignored."""
    given_names = set(names)
    return frozenset(member for member in Role if member in given_names), frozenset(
        member for member in APART if member in given_names
    )


@dataclass(frozen=True, slots=True)
class Person:
    """A person with an account. Without an accepted invitation, or once disabled, a person can do nothing."""

    ref: str
    name: str
    grants: tuple[str, ...]  # names of roles and of separate rights
    has_logged_in: bool  # the person has accepted an invitation
    deactivated_at: datetime | None = None
    invited_until: datetime | None = None

    def as_actor(self, session: str) -> Actor:
        roles, apart = known_roles(self.grants)
        return Actor(self.ref, self.name, roles, apart, session)


@dataclass(frozen=True, slots=True)
class Session:
    """A session of a person, valid until `until` unless it is revoked."""

    id: str
    person: str
    started_at: datetime
    until: datetime


def _automatic_actor(ref: str) -> Actor:
    return Actor(ref, roles=frozenset({Role.ADMINISTRATOR}), channel=AccessChannel.SCHEDULE)


OPERATOR = Actor("operator", roles=frozenset({Role.ADMINISTRATOR}), extra_rights=APART)
"""The actor of a console without log-in. Its name in stored data has always been `operator`."""

SCHEDULE = _automatic_actor("schedule")
START = _automatic_actor("start")
SANDBOX = _automatic_actor("sandbox")
SHIPPED = _automatic_actor("shipped")
DEMO = _automatic_actor("demo")
LAB = _automatic_actor("lab")

RESERVED = frozenset(
    {OPERATOR.ref, "terminal", *(actor.ref for actor in (SCHEDULE, START, SANDBOX, SHIPPED, DEMO, LAB))}
)
"""References that no person may have."""


def terminal_actor(account: str) -> Actor:
    """Return the actor at a terminal of this machine, who can read the console's data and so has all rights."""
    return Actor(
        account or "terminal", roles=frozenset({Role.ADMINISTRATOR}), extra_rights=APART, channel=AccessChannel.TERMINAL
    )


OWNER = Actor("terminal", roles=frozenset({Role.ADMINISTRATOR}), extra_rights=APART, channel=AccessChannel.API)
"""Actor of a program that shows data only readable by the owner of the files."""

# ---- the current action ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PersonAction:
    """Current action of an actor: the service method and its right."""

    actor: Actor
    name: str  # for example runs.commit
    right: Right
    about: Mapping[str, object] = field(default_factory=dict)  # the arguments by name


_current_action: ContextVar[PersonAction | None] = ContextVar("_current_action", default=None)


@contextmanager
def acting_as(action: PersonAction) -> Iterator[None]:
    """Make this the current action, so that stores can record it in their transactions."""
    token = _current_action.set(action)
    try:
        yield
    finally:
        _current_action.reset(token)


def current_action() -> PersonAction | None:
    """Return the current action of this thread, or None if no person acts."""
    return _current_action.get()
