"""Article groups as a target: a tree, matched by links and by names under the same parent."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Client
from integration.connectors.mplus.codec import TillGroup
from integration.connectors.mplus.settings import SYSTEM, MplusSettings
from integration.connectors.mplus.target import TillTarget, created_number, translated_parse_errors
from integration.connectors.protocol import References
from integration.core.errors import RejectedError
from integration.core.grouping import group_by_key
from integration.core.plan import Action, Change
from integration.core.records import CurrentRecord, Kind, Record, Value, WriteResult, WrongValueError, unreadable

_TOP = "0"  # parent of a group at the top in our copy of the tree
_Tree = Mapping[str, Sequence[TillGroup]]


class TillGroups(TillTarget):
    """The article groups of one installation."""

    def __init__(self, settings: MplusSettings, client: Client) -> None:
        self._settings = settings
        self._client = client

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        """Return the till's current groups, matched by their link, then by name under the same parent."""
        tree = self._tree()
        matching = _Matching(records, tree, references)
        numbers_by_key = matching.numbers()
        codes = {number: key for key, number in numbers_by_key.items()}
        current = {}
        for record in records:
            if (broken := matching.broken(record)) is not None:
                error = broken.error or WrongValueError("groupNumber", broken.number)
                current[record.key] = CurrentRecord(
                    unreadable(Kind.GROUP, record.key, error, broken.raw), broken.number, original=broken
                )
            elif record.key in numbers_by_key:
                group = tree[numbers_by_key[record.key]][0]
                parent = (
                    "" if group.parent == _TOP else codes.get(group.parent) or references.key(Kind.GROUP, group.parent)
                )
                # A parent that is not ours has no code of ours. Its number gets a "#", which no code of the source can
                # be.
                values: dict[str, Value] = {
                    "name": group.name,
                    "parent": f"#{group.parent}" if parent is None else parent,
                }
                current[record.key] = CurrentRecord(
                    Record(Kind.GROUP, record.key, values), group.number, group.marker, original=group
                )
        return current

    def _tree(self) -> _Tree:
        """Return the groups by their numbers: several if the till has different groups with one number."""
        with translated_parse_errors():
            groups = codec.decode_groups(self._client.read("getArticleGroups", request={}))
        return group_by_key((group.number, group) for group in groups)

    def require_storable(self, change: Change) -> None:
        """Raise UnfitError for a name that cannot be written."""
        codec.checked_text("name", change.desired.values.get("name", ""))

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:  # noqa: ARG002
        """Carry out one change and return the group's number."""
        if change.action is Action.CREATE or current is None:
            return self._create(change.desired, references)
        return self._update(change.desired, current, references)

    def _create(self, desired: Record, references: References) -> WriteResult:
        request = {
            "parentGroupNumber": self._parent_number(desired, references),
            "name": codec.checked_text("name", desired.values.get("name", "")),
            "text": "",
        }
        answer = self._client.write("newArticleGroup", request=request)
        return WriteResult(created_number(answer, "groupNumber"))

    def _update(self, desired: Record, current: CurrentRecord, references: References) -> WriteResult:
        group = current.original
        if not isinstance(group, TillGroup):
            raise TypeError("a group that was not looked up here")
        if "name" in desired.values:
            group = replace(group, name=codec.checked_text("name", desired.values["name"]))
        parent = group.parent if group.parent != _TOP else str(self._settings.top_group)
        if "parent" in desired.values:
            parent = self._parent_number(desired, references)
        self._client.write("updateArticleGroup", request=codec.encode_group(replace(group, parent=parent)))
        return WriteResult(current.reference)

    def _parent_number(self, desired: Record, references: References) -> str:
        code = str(desired.values.get("parent") or "")
        return group_number(references, code) if code else str(self._settings.top_group)


def group_number(references: References, code: str) -> str:
    """Return the till's number of a group of ours. Raises RejectedError if the till does not have the group yet."""
    number = references.reference(Kind.GROUP, code)
    if number is None:
        raise RejectedError("needed_record_missing", system=SYSTEM, field=Kind.GROUP, key=code)
    return number


class _Matching:
    """Matches wanted groups with the tree: by their link, then by name under the same parent."""

    def __init__(self, records: Sequence[Record], tree: _Tree, references: References) -> None:
        self._records = {record.key: record for record in records}
        self._tree = tree
        self._references = references
        groups = [group for copies in tree.values() for group in copies]
        self._broken = [group for group in groups if group.error is not None]
        self._numbers_by_name = {(group.parent, group.name): group.number for group in reversed(groups) if group.name}
        self._numbers: dict[str, str | None] = {"": _TOP}

    def numbers(self) -> dict[str, str]:
        """Return the numbers of the groups that exist, by our codes."""
        numbers = {code: self._number(code) for code in self._records}
        return {code: number for code, number in numbers.items() if number is not None}

    def broken(self, record: Record) -> TillGroup | None:
        """Return an unreadable group that is the wanted one, or may be if no other group is."""
        number = self._number(record.key)
        if number is not None:
            return next((group for group in self._tree[number] if group.error is not None), None)
        if self._references.reference(Kind.GROUP, record.key):
            return next((group for group in self._broken if not group.number.isdigit()), None)
        parent = self._number(str(record.values.get("parent") or ""))
        return next((group for group in self._broken if group.parent == parent and not group.name), None)

    def _number(self, code: str) -> str | None:
        if code not in self._numbers:
            self._numbers[code] = None  # a group that is its own ancestor has no match
            self._numbers[code] = self._number_by_link(code) or self._number_by_name(code)
        return self._numbers[code]

    def _number_by_link(self, code: str) -> str | None:
        number = self._references.reference(Kind.GROUP, code)
        return number if number in self._tree else None

    def _number_by_name(self, code: str) -> str | None:
        record = self._records.get(code)
        name = record.values.get("name") if record else None
        if record is None or not isinstance(name, str):
            return None
        parent = self._number(str(record.values.get("parent") or ""))
        return None if parent is None else self._numbers_by_name.get((parent, name))
