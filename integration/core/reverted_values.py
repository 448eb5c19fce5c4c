"""Reverted values: values that a person undid, and that plans omit until the source changes them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from integration.core.plan import Change
from integration.core.records import Record, Value, is_same_value

TAKEN_BACK = "taken_back"  # cause of a line that is excluded until a person includes it


@dataclass(frozen=True, slots=True)
class RevertedValue:
    """One value that was written and undone, with the run that undid it, the person and the time.

    A running figure, such as a stock level, may return for other reasons. It is the same only with the same `inputs`,
    the source figures from which it was computed. For other values `inputs` is empty.
    """

    value: Value
    run: str
    by: str
    at: datetime
    inputs: str = ""

    @property
    def facts(self) -> dict[str, str]:
        """The facts for the line of a plan."""
        return {"run": self.run, "by": self.by, "time": self.at.isoformat()}

    def is_of(self, value: Value, inputs: str) -> bool:
        """Return True if the source still has the value that was undone."""
        return inputs == self.inputs and is_same_value(value, self.value)


NOTHING: Mapping[str, RevertedValue] = {}  # by path


def split_reverted(
    change: Change, taken: Mapping[str, RevertedValue], last: Record | None
) -> tuple[Change | None, Change | None]:
    """Return the part of a change that is new and the part that was undone before; None for an empty part.

    Each part keeps the values both systems `last` agreed on for the fields of the other. Creates are never split.
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
    """Return the latest reverted value among those a change would write."""
    return max((taken[path] for path in change.wanted.flat() if path in taken), key=lambda one: one.at)


def changed_since_revert(
    desired: Record, taken: Mapping[str, RevertedValue], inputs: Mapping[str, str]
) -> frozenset[str]:
    """Return the paths whose source value differs from the reverted value.

    `inputs` holds those of the desired running figures, by path.
    """
    wanted = desired.flat()
    return frozenset(
        path for path, one in taken.items() if path in wanted and not one.is_of(wanted[path], inputs.get(path, ""))
    )


def _about(change: Change, mine: Collection[str], others: Collection[str], last: Record | None) -> Change:
    """Return a change limited to some paths."""
    known = last.flat() if last else {}
    told = {path: known[path] for path in others if path in known}
    return replace(
        change,
        wanted=_with(change.wanted, mine),
        before=_with(change.before, mine) if change.before else None,
        agreed=_with(change.agreed, change.agreed.flat().keys() - (set(others) - told.keys()), told),
    )


def _with(record: Record, paths: Collection[str], instead: Mapping[str, Value] | None = None) -> Record:
    """Return a record limited to these paths, with values replaced from `instead`. Empty parts are removed."""
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
