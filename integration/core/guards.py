"""Guards: what holds a plan until a person has typed what it counts. Those of a flow stand with its settings."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from typing import Any

from integration.core.money import HUNDRED
from integration.core.plan import Action, Brake, Change

Limit = int | Decimal


class Measure(Enum):
    """What the limit of a guard is held against."""

    NUMBER = auto()  # how much the guard counts in a plan
    SHARE = auto()  # the percentage that this is of the records read
    EACH = auto()  # a percentage by which each thing moves: the guard counts those beyond it


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard. `name` is that of its limit among the settings, and of its words; what it trips is told by `code`.

    `limit` is the one it begins with, or gets when it is switched on. `counts` returns how much of a change it counts,
    by the settings of the flow. Of guards with one code a person types what the first one counts.
    """

    name: str
    code: str
    limit: Limit
    counts: Callable[[Change, Any], int] = lambda _change, _settings: 0
    measure: Measure = Measure.NUMBER
    is_on: bool = True
    whole: bool = False  # about the size of a plan: it marks no line, and the first plan of a flow creates everything

    def is_beyond(self, count: int, limit: Limit, read: int) -> bool:
        """Tell whether a plan counts more than a limit, of so many records read."""
        match self.measure:
            case Measure.NUMBER:
                return count > limit
            case Measure.SHARE:
                return read > 0 and count * HUNDRED > limit * read
        return count > 0


def typed_guards(guards: Iterable[Guard]) -> dict[str, Guard]:
    """Return by each code the guard whose count is typed."""
    found: dict[str, Guard] = {}
    for guard in guards:
        found.setdefault(guard.code, guard)
    return found


def brakes(
    guards: Iterable[Guard],
    limits: Mapping[str, Limit | None],
    counted: Mapping[str, int],
    read: int,
    *,
    is_first: bool = False,
) -> tuple[Brake, ...]:
    """Return what a plan trips, by what its guards have counted. A limit that is None switches a guard off.

    One that no setting sets keeps the limit it begins with.
    """
    guards = (*ALWAYS, *guards)
    typed, found = typed_guards(guards), dict[str, Brake]()
    for guard in guards:
        limit = limits.get(guard.name, guard.limit)
        if limit is None or (guard.whole and is_first):
            continue
        if guard.is_beyond(counted.get(guard.name, 0), limit, read):
            shown = f"{limit}" if guard.measure is Measure.NUMBER else f"{limit} %"
            found.setdefault(guard.code, Brake(guard.code, counted.get(typed[guard.code].name, 0), shown))
    return tuple(found.values())


def price_jumps(
    change: Change, limit: Limit | None, prices: frozenset[str], *, everywhere: frozenset[str] = frozenset()
) -> int:
    """Return how many prices the change moves by more than a percentage. `prices` are the names of price fields.

    A price that there is `everywhere` and that the target does not tell may move by any.
    """
    if change.before is None or limit is None:
        return 0
    before, jumps = change.before.flat(), 0
    for path, value in change.wanted.flat().items():
        old = before.get(path)
        name = path.rpartition("/")[2]
        if name not in prices or not isinstance(value, Decimal):
            continue
        if isinstance(old, Decimal):
            jumps += bool(old) and abs(value - old) * HUNDRED > abs(old) * limit
        elif path in before and name in everywhere:
            jumps += 1
    return jumps


def made_inactive(change: Change, active: str = "active") -> int:
    """Return how many records of the target the change makes inactive: the articles of a product one by one.

    One of which the target does not tell whether it is active may be.
    """
    before = change.before.flat() if change.before else {}
    paths = (path for path, value in change.wanted.flat().items() if value is False)
    return sum(path.rpartition("/")[2] == active and before.get(path, False) is not False for path in paths)


def records_changed(change: Change) -> int:
    """Return how many of the records read would change in the target: of a product, the articles it is about."""
    return len(change.sources) if change.wanted.values else min(len(change.sources), len(change.wanted.parts))


def _retired(change: Change, _: Any) -> int:
    return made_inactive(change) if change.action is Action.RETIRE or change.undoes else 0


# Of every flow, not to be set: how many records the source had before it suddenly gave none, and how many documents of
# another console there are beside which new ones would stand. The runner counts them.
SOURCE_EMPTY = Guard("source_empty", "brake_source_empty", 0)
AMONG_STRANGERS = Guard("strangers", "brake_strangers", 0)
ALWAYS = (SOURCE_EMPTY, AMONG_STRANGERS)

CHANGES = Guard("changes", "brake_changes", 500, lambda *_: 1, whole=True)
CHANGES_PERCENT = Guard(
    "changes_percent", "brake_changes", Decimal(10), lambda change, _: records_changed(change),
    Measure.SHARE, is_on=False, whole=True,
)  # fmt: skip
SIZE = (CHANGES, CHANGES_PERCENT)  # of a flow that says nothing else
RETIREMENTS = Guard("retirements", "brake_retirements", 0, _retired)
