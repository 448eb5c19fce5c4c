"""Who does something at the console, and what they may do: people in their roles, and what acts by itself.

An action is done by an `Actor`. What is kept of it is the actor's `ref`, which never changes and is never given to
anybody else; everything else about them may change, and is asked for again at every action.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Right(StrEnum):
    """What somebody may do. Which one an action asks for, the table of the services says."""

    SEE = "see"  # what the pages show: states, plans, lists, days, stock
    READ_LOG = "read_log"  # what was read, decided and written, record by record
    EXPORT = "export"  # lists and days as files
    COMPARE = "compare"  # ask both systems whether what was written still stands
    RUN = "run"  # previews and commits: begin, choose, approve, stop, go on
    REPAIR = "repair"  # settle exceptions, correct values, complete value tables
    ARRANGE = "arrange"  # flows, mappings, brakes
    TRY = "try"  # the fault lab and the clock of the sandbox
    CONNECT = "connect"  # both systems: addresses, keys, names of fields
    ADMINISTER = "administer"  # people, channels, opening hours, retention
    ASK_SQL = "ask_sql"  # ask the log any question
    EXPORT_LOG = "export_log"  # take the whole log as a file


class Role(StrEnum):
    """What a person is here for. It comes with rights; what is in `APART` is given to a person by itself."""

    VIEWER = "viewer"
    ACCOUNTANT = "accountant"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


_LOOKING = frozenset({Right.SEE})
_ACCOUNTING = _LOOKING | {Right.READ_LOG, Right.EXPORT, Right.COMPARE}
_OPERATING = _ACCOUNTING | {Right.RUN, Right.REPAIR, Right.ARRANGE, Right.TRY}

APART = frozenset({Right.ASK_SQL, Right.EXPORT_LOG})
"""Rights that come with no role: the log holds what every record was, of every customer."""

RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.VIEWER: _LOOKING,
    Role.ACCOUNTANT: _ACCOUNTING,
    Role.OPERATOR: _OPERATING,
    Role.ADMINISTRATOR: _OPERATING | {Right.CONNECT, Right.ADMINISTER},
}
ALL = frozenset(Right)


class AccessChannel(StrEnum):
    """By which way an action came."""

    CONSOLE = "console"
    TERMINAL = "terminal"
    SCHEDULE = "schedule"  # and whatever else the program does by itself
    API = "api"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a person in a session, whoever is at this machine, or a part of the program."""

    ref: str
    name: str = ""
    roles: frozenset[Role] = frozenset()
    apart: frozenset[Right] = frozenset()  # rights given beside the roles
    session: str = ""  # by which a person is known; of whoever acts without one, nothing is asked
    came: AccessChannel = AccessChannel.CONSOLE

    @property
    def rights(self) -> frozenset[Right]:
        """What they may do."""
        return self.apart.union(*(RIGHTS[role] for role in self.roles))

    def may(self, right: Right) -> bool:
        """Tell whether they may do something."""
        return right in self.rights

    def is_same(self, other: "Actor") -> bool:
        """Tell whether both are one person in one session, whatever was changed about them in between."""
        return (self.ref, self.session, self.came) == (other.ref, other.session, other.came)


def known_roles(names: Iterable[str]) -> tuple[frozenset[Role], frozenset[Right]]:
    """Return the roles and the rights apart that names stand for; what a later version gave is left out."""
    given = set(names)
    return frozenset(one for one in Role if one in given), frozenset(one for one in APART if one in given)


@dataclass(frozen=True, slots=True)
class Person:
    """One person. Who has not come yet, or is `off`, can do nothing."""

    ref: str
    name: str
    grants: tuple[str, ...]  # names of roles, and of rights beside them
    has_come: bool  # they have accepted an invitation
    off_at: datetime | None = None
    invited_until: datetime | None = None

    def as_actor(self, session: str) -> Actor:
        """Return them as they act in a session."""
        roles, apart = known_roles(self.grants)
        return Actor(self.ref, self.name, roles, apart, session)


@dataclass(frozen=True, slots=True)
class Session:
    """One session of a person: until when it holds, unless it is revoked."""

    id: str
    person: str
    begun_at: datetime
    until: datetime


def _by_itself(ref: str) -> Actor:
    return Actor(ref, roles=frozenset({Role.ADMINISTRATOR}), came=AccessChannel.SCHEDULE)


OPERATOR = Actor("operator", roles=frozenset({Role.ADMINISTRATOR}), apart=APART)
"""Whoever opens a console that asks nobody who they are, as what they did has always been recorded."""

SCHEDULE = _by_itself("schedule")
START = _by_itself("start")
SANDBOX = _by_itself("sandbox")
SHIPPED = _by_itself("shipped")
DEMO = _by_itself("demo")
LAB = _by_itself("lab")

RESERVED = frozenset({OPERATOR.ref, "terminal", *(one.ref for one in (SCHEDULE, START, SANDBOX, SHIPPED, DEMO, LAB))})
"""What no person is ever called."""


def at_terminal(account: str) -> Actor:
    """Return who is at a terminal of this machine and can read the data of the console: they may do everything."""
    return Actor(account or "terminal", roles=frozenset({Role.ADMINISTRATOR}), apart=APART, came=AccessChannel.TERMINAL)


OWNER = Actor("terminal", roles=frozenset({Role.ADMINISTRATOR}), apart=APART, came=AccessChannel.API)
"""A program that shows what only the owner of the data can read."""

# ---- the action under way -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PersonAction:
    """What somebody is doing right now: by which question of which service, under which right."""

    actor: Actor
    name: str  # such as runs.commit
    right: Right
    about: Mapping[str, object] = field(default_factory=dict)  # what it was asked with, by the names of its arguments


_under_way: ContextVar[PersonAction | None] = ContextVar("_under_way", default=None)


@contextmanager
def acting_as(action: PersonAction) -> Iterator[None]:
    """Be known, to what keeps something of it in a transaction, as the action under way."""
    token = _under_way.set(action)
    try:
        yield
    finally:
        _under_way.reset(token)


def current_action() -> PersonAction | None:
    """Return what somebody is doing right now in this thread; None where the program acts by itself."""
    return _under_way.get()
