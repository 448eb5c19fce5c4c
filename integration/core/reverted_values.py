"""Reverted values: values that a person undid, and that plans omit until the source changes them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from integration.core.plan import Change
from integration.core.records import Record, Value, is_same_value

VALUE_REVERTED = "value_reverted"  # cause of a line that is excluded until a person includes it


@dataclass(frozen=True, slots=True)
class RevertedValue:
    """One value that was written and undone, with the run that undid it, the person and the time.

    A running figure, such as a stock level, may get the same value again for another reason. It counts as reverted only
    if `inputs`, the source figures of its computation, are equal too. Other values have no inputs.
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
    change: Change, reverted_values: Mapping[str, RevertedValue], last: Record | None
) -> tuple[Change | None, Change | None]:
    """Return the part of a change that is new and the part that was undone before; None for an empty part.

    Each part keeps the values both systems `last` agreed on for the fields of the other. Creates are never split.
    """
    desired_values = change.desired.flat()
    before_keys = {part.key for part in change.before.parts} | {""} if change.before else set()
    back = {
        path
        for path, value in desired_values.items()
        if path.rpartition("/")[0] in before_keys
        and path in reverted_values
        and reverted_values[path].is_of(value, change.inputs.get(path, ""))
    }
    if not back:
        return change, None
    if len(back) == len(desired_values):
        return None, change
    return _limit_change(change, desired_values.keys() - back, back, last), _limit_change(
        change, back, desired_values.keys() - back, last
    )


def latest_reverted(change: Change, reverted_values: Mapping[str, RevertedValue]) -> RevertedValue:
    """Return the latest reverted value among those a change would write."""
    return max(
        (reverted_values[path] for path in change.desired.flat() if path in reverted_values),
        key=lambda reverted_value: reverted_value.at,
    )


def changed_since_revert(
    desired: Record, reverted_values: Mapping[str, RevertedValue], inputs: Mapping[str, str]
) -> frozenset[str]:
    """Return the paths whose source value differs from the reverted value.

    `inputs` holds those of the desired running figures, by path.
    """
    desired_values = desired.flat() if reverted_values else {}
    return frozenset(
        path
        for path, reverted_value in reverted_values.items()
        if path in desired_values and not reverted_value.is_of(desired_values[path], inputs.get(path, ""))
    )


def _limit_change(change: Change, paths: Collection[str], other_paths: Collection[str], last: Record | None) -> Change:
    """Return a change limited to some paths."""
    last_values = last.flat() if last else {}
    other_values = {path: last_values[path] for path in other_paths if path in last_values}
    return replace(
        change,
        desired=_limit_record(change.desired, paths),
        before=_limit_record(change.before, paths) if change.before else None,
        agreed=_limit_record(
            change.agreed, change.agreed.flat().keys() - (set(other_paths) - other_values.keys()), other_values
        ),
    )


def _limit_record(record: Record, paths: Collection[str], instead: Mapping[str, Value] | None = None) -> Record:
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
