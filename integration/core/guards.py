"""Guards (brakes): limits that hold a plan until a person types its count. A flow's settings have its own guards."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum, auto
from types import MappingProxyType
from typing import Any

from integration.core.money import HUNDRED
from integration.core.plan import ACTIVE, Action, Brake, Change
from integration.core.records import Record, merged

Limit = int | Decimal


class Measure(Enum):
    """Quantity that the limit of a guard applies to."""

    NUMBER = auto()  # the count itself
    SHARE = auto()  # the count as a percentage of the records read
    EACH = auto()  # the percentage by which each value changes; the guard counts those above the limit


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard. `name` names its limit in the settings and its texts; `code` is the cause of the brake.

    `limit` is the initial value, also when the guard is switched on. `counts` returns how much of a change counts,
    given the flow's settings. If several guards share a code, a person types the count of the first.
    A guard of the `whole` plan marks no lines, and does not apply to the first plan of a flow.
    `with_target`: `change.agreed` also has the target's values that a change does not name, such as another offer.
    """

    name: str
    code: str
    limit: Limit
    counts: Callable[[Change, Any], int] = lambda _change, _settings: 0
    measure: Measure = Measure.NUMBER
    is_on: bool = True
    whole: bool = False
    with_target: bool = False

    def count(self, change: Change, settings: Any, current: Record | None) -> int:
        """Return how much of a change counts, given the target's record."""
        return self.counts(with_target_values(change, current) if self.with_target else change, settings)

    def is_beyond(self, count: int, limit: Limit, read_count: int) -> bool:
        """Return True if the count exceeds the limit, given the number of records read."""
        match self.measure:
            case Measure.NUMBER:
                return count > limit
            case Measure.SHARE:
                return read_count > 0 and count * HUNDRED > limit * read_count
        return count > 0


def with_target_values(change: Change, current: Record | None) -> Change:
    """Return the change with all values in `agreed` that the target's record has after the write."""
    return change if current is None else replace(change, agreed=merged(current, change.agreed))


def typed_guards(guards: Iterable[Guard]) -> dict[str, Guard]:
    """Return for each code the guard whose count a person types."""
    by_code: dict[str, Guard] = {}
    for guard in guards:
        by_code.setdefault(guard.code, guard)
    return by_code


def brakes(
    guards: Iterable[Guard],
    limits: Mapping[str, Limit | None],
    counts: Mapping[str, int],
    read_count: int,
    *,
    is_first: bool = False,
    details: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> tuple[Brake, ...]:
    """Return the brakes of a plan, given the counts of its guards. A limit of None switches a guard off.

    A guard without a setting has its initial limit. `details` are further facts of the sentences, by name of the guard.
    """
    guards = (*ALWAYS, *guards)
    typed, by_code = typed_guards(guards), dict[str, Brake]()
    for guard in guards:
        limit = limits.get(guard.name, guard.limit)
        if limit is None or (guard.whole and is_first):
            continue
        if guard.is_beyond(counts.get(guard.name, 0), limit, read_count):
            limit_text = f"{limit}" if guard.measure is Measure.NUMBER else f"{limit} %"
            count = counts.get(typed[guard.code].name, 0)
            by_code.setdefault(guard.code, Brake(guard.code, count, limit_text, details.get(guard.name, {})))
    return tuple(by_code.values())


def price_jumps(
    change: Change, limit: Limit, prices: frozenset[str], *, everywhere: frozenset[str] = frozenset()
) -> int:
    """Return how many prices a change moves by more than a percentage. `prices` are the names of price fields.

    A price field in `everywhere` also counts if the target has the field without a readable old price.
    """
    if change.before is None:
        return 0
    before, jumps = change.before.flat(), 0
    for path, value in change.desired.flat().items():
        old = before.get(path)
        name = path.rpartition("/")[2]
        if name not in prices or not isinstance(value, Decimal):
            continue
        if isinstance(old, Decimal):
            jumps += bool(old) and abs(value - old) * HUNDRED > abs(old) * limit
        elif path in before and name in everywhere:
            jumps += 1
    return jumps


def made_inactive(change: Change) -> int:
    """Return how many target records a change makes inactive, counting the articles of a product separately.

    Records of which the target does not report the state count as well.
    """
    before = change.before.flat() if change.before else {}
    paths = (path for path, value in change.desired.flat().items() if value is False)
    return sum(path.rpartition("/")[2] == ACTIVE and before.get(path, False) is not False for path in paths)


def records_changed(change: Change) -> int:
    """Return how many source records change in the target. For a product, its articles count."""
    return len(change.sources) if change.desired.values else min(len(change.sources), len(change.desired.parts))


def _count_retired(change: Change, _: Any) -> int:
    return made_inactive(change) if change.action is Action.RETIRE or change.undoes else 0


# Guards that every flow has and no setting changes. The runner counts for them: the records that the source had before
# it returned none, the values that it lost in whole fields, and the documents of another console with our prefix.
SOURCE_EMPTY = Guard("source_empty", "brake_source_empty", 0)
VALUES_LOST = Guard("values_lost", "brake_values_lost", 0)
FOREIGN_DOCUMENT_LIMIT = Guard("foreign_documents", "brake_foreign_documents", 0)
ALWAYS = (SOURCE_EMPTY, VALUES_LOST, FOREIGN_DOCUMENT_LIMIT)

CHANGES = Guard("changes", "brake_changes", 500, lambda *_: 1, whole=True)
CHANGES_PERCENT = Guard(
    "changes_percent", "brake_changes", Decimal(10), lambda change, _: records_changed(change),
    Measure.SHARE, is_on=False, whole=True,
)  # fmt: skip
SIZE = (CHANGES, CHANGES_PERCENT)  # default for flows without their own size guards
RETIREMENTS = Guard("retirements", "brake_retirements", 0, _count_retired)
