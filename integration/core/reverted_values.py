"""What a person took back: values that nothing writes again by itself while the source says what it said then."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from integration.core.plan import Change
from integration.core.records import Record, Value, same

TAKEN_BACK = "taken_back"  # the cause of a line that is left out until a person takes it in


@dataclass(frozen=True, slots=True)
class RevertedValue:
    """One value that was written and taken back: by which run that undoes, by whom and when.

    A running figure, such as a level, comes back for other reasons: it is the same only with the same `inputs`, the
    figures of the source that it was made of. Of any other value they are empty.
    """

    value: Value
    run: str
    by: str
    at: datetime
    inputs: str = ""

    @property
    def facts(self) -> dict[str, str]:
        """What a line of a plan tells of it."""
        return {"run": self.run, "by": self.by, "time": self.at.isoformat()}

    def is_of(self, value: Value, inputs: str) -> bool:
        """Tell whether the source says again what was taken back."""
        return inputs == self.inputs and same(value, self.value)


NOTHING: Mapping[str, RevertedValue] = {}  # by the path of the value


def split_reverted(
    change: Change, taken: Mapping[str, RevertedValue], last: Record | None
) -> tuple[Change | None, Change | None]:
    """Return what of a change is new, and what of it was taken back; None where there is nothing of either.

    Each of the two remembers of the other's fields what both systems `last` agreed on. What is created has nothing that
    could have been taken back.
    """
    wanted = change.wanted.flat()
    there = {part.key for part in change.before.parts} | {""} if change.before else set()
    back = {
        path
        for path, value in wanted.items()
        if path.rpartition("/")[0] in there and path in taken and taken[path].is_of(value, change.inputs.get(path, ""))
    }
    if not back:
        return change, None
    if len(back) == len(wanted):
        return None, change
    return _about(change, wanted.keys() - back, back, last), _about(change, back, wanted.keys() - back, last)


def latest_reverted(change: Change, taken: Mapping[str, RevertedValue]) -> RevertedValue:
    """Return what was taken back last of what a change would write."""
    return max((taken[path] for path in change.wanted.flat() if path in taken), key=lambda one: one.at)


def changed_since_revert(
    desired: Record, taken: Mapping[str, RevertedValue], inputs: Mapping[str, str]
) -> frozenset[str]:
    """Return the paths under which the source says something else by now than what was taken back.

    `inputs` are those of the desired running figures, by path.
    """
    wanted = desired.flat()
    return frozenset(
        path for path, one in taken.items() if path in wanted and not one.is_of(wanted[path], inputs.get(path, ""))
    )


def _about(change: Change, mine: Collection[str], others: Collection[str], last: Record | None) -> Change:
    """Return the part of a change that is about some paths."""
    known = last.flat() if last else {}
    told = {path: known[path] for path in others if path in known}
    return replace(
        change,
        wanted=_with(change.wanted, mine),
        before=_with(change.before, mine) if change.before else None,
        agreed=_with(change.agreed, change.agreed.flat().keys() - (set(others) - told.keys()), told),
    )


def _with(record: Record, paths: Collection[str], instead: Mapping[str, Value] | None = None) -> Record:
    """Return a record with the values under these paths alone, and others `instead` of some; no part is empty."""
    other = instead or {}
    parts = tuple(
        replace(part, values=inside)
        for part in record.parts
        if (
            inside := {
                name: other.get(f"{part.key}/{name}", value)
                for name, value in part.values.items()
                if f"{part.key}/{name}" in paths
            }
        )
    )
    values = {name: other.get(name, value) for name, value in record.values.items() if name in paths}
    return replace(record, values=values, parts=parts)
