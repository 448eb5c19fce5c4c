"""Relations as a target: matched by link and by exact evidence, written as a whole."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Client, Element, qualified
from integration.connectors.mplus.codec import Marks, RelationForm
from integration.connectors.mplus.element_shape import is_marked_different
from integration.connectors.mplus.fields import TillFields
from integration.connectors.mplus.lists import ByNumbers, PartialLists, by_own_number, distinct_elements
from integration.connectors.mplus.settings import MplusSettings
from integration.connectors.mplus.target import (
    TillTarget,
    created_number,
    in_pages,
    page_after,
    present_marker,
    require_unchanged,
    till_numbers,
    translated_parse_errors,
)
from integration.connectors.protocol import References
from integration.core.plan import Action, Change
from integration.core.records import Batch, CurrentRecord, Kind, Record, WriteResult, WrongValueError, unreadable

_RELATIONS = f"{qualified('relationList')}/{qualified('relation')}"
_EVIDENCE = ("external_id", "vat_number", "email")  # in the order of precedence


@dataclass(frozen=True, slots=True)
class _Match:
    """The relation that a customer was matched with, the evidence, and other relations that the evidence fits."""

    number: str
    evidence: str
    others: tuple[str, ...] = ()


class TillRelations(TillTarget):
    """The relations of one installation."""

    def __init__(self, settings: MplusSettings, client: Client, fields: TillFields) -> None:
        self._settings = settings
        self._client = client
        self._fields = fields
        self._partial_lists, self._completer = PartialLists(), ByNumbers[tuple[str, Element]]()
        self._index = _Index(self, settings.page_relations)
        self._custom_types: Mapping[str, str] = {}

    # ---- lookup

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        """Return the till's current relations, matched by link, external id, VAT number or e-mail, in this order.

        A record whose linked relation is gone is left out. Of several relations that the same evidence fits, the active
        one with the lowest number is returned, and the others are in `CurrentRecord.other_references`. VAT number and
        e-mail match neither an inactive relation nor one that is linked to another customer. One that is linked to
        another customer is among the others.
        """
        linked = {record.key: references.reference(Kind.RELATION, record.key) for record in records}
        matches = {key: _Match(number, "link") for key, number in linked.items() if number}
        with translated_parse_errors():
            relations = self.read(match.number for match in matches.values())
            open_ = [record for record in records if record.key not in matches]
            if open_:
                matches |= self._find_matches(open_, references, relations)
            form = self._form()
            return {
                key: _current_relation(form, key, match, element)
                for key, match in matches.items()
                if (element := relations.get(match.number)) is not None
            }

    def _find_matches(
        self, records: Sequence[Record], references: References, relations: dict[str, Element]
    ) -> dict[str, _Match]:
        """Return the matches of these customers, and add the matched relations to `relations`."""
        self._index.refresh()
        while True:
            own = {record.key: self._relations_with_own_id(record, references) for record in records}
            owned = {number: key for key, numbers in own.items() for number in numbers}
            matches = {
                record.key: match for record in records if (match := self._match(record, references, own, owned))
            }
            relations |= self._index.nameless
            matched_numbers = {match.number for match in matches.values()} - relations.keys()
            matched_relations = self.read(matched_numbers)
            relations |= matched_relations
            removed_numbers = matched_numbers - matched_relations.keys()
            if not removed_numbers:
                return matches
            self._index.forget(removed_numbers)  # the till does not report relations that it removed

    def _relations_with_own_id(self, record: Record, references: References) -> list[str]:
        """Return the relations with the external id of this customer, without those known to be other customers."""
        distinct = references.distinct(Kind.RELATION, record.key)
        for external_id in (record.key, record.values.get("external_id")):
            fitting = self._index.fitting_numbers(codec.marks(external_id, None, None), "external_id")
            if numbers := [number for number in fitting if number not in distinct]:
                return numbers
        return []

    def _match(
        self, record: Record, references: References, own: Mapping[str, Sequence[str]], owned: Mapping[str, str]
    ) -> _Match | None:
        """Return the match of a customer: a relation that is neither linked to nor owned by another customer.

        Those that are, and that the evidence fits too, are among the others: the evidence does not identify one.
        """
        if numbers := own[record.key]:
            return _Match(numbers[0], "external_id", tuple(numbers[1:]))
        values = record.values
        marks = codec.marks(None, values.get("vat_number"), values.get("email"), country=values.get("country"))
        distinct = references.distinct(Kind.RELATION, record.key)
        for evidence in _EVIDENCE[1:]:
            owner_keys = {
                number: references.key(Kind.RELATION, number) or owned.get(number)
                for number in self._index.fitting_numbers(marks, evidence)
                if number not in distinct
            }
            free = [number for number, key in owner_keys.items() if key in (None, record.key)]
            if free:
                return _Match(free[0], evidence, (*free[1:], *(number for number in owner_keys if number not in free)))
        return None

    def read(self, numbers: Iterable[str]) -> dict[str, Element]:
        """Return relations by their numbers, without those that do not exist.

        A relation without a readable number is assigned to the number it answers to when read alone.
        """
        ask = by_own_number(lambda page: self._read_relations(relationNumbers=page), _number)
        limit = self._settings.in_flight
        asking = self._completer.ask_all(ask, lambda pair: pair[:1])
        return dict(in_pages(asking, till_numbers(numbers), self._settings.page_relations, limit))

    def relations_since(self, marker: int) -> list[Element]:
        """Return one page of the relations from this change marker on: the lowest markers, unsorted.

        A relation that the page has several times with different content is returned as often, marked as contradictory.
        """

        def markers(relations: Iterable[Element]) -> list[int | None]:
            return [codec.if_readable(codec.relation_marker, relation) for relation in relations]

        def ask(limit: int) -> list[Element]:
            return self._read_relations(syncMarker=marker, syncMarkerLimit=limit)

        relations = ask(self._settings.page_relations)
        self._partial_lists.require_lowest("getRelations", markers(relations), lambda limit: markers(ask(limit)))
        return relations

    def _read_relations(self, **request: object) -> list[Element]:
        return distinct_elements(self._client.read("getRelations", request=request).iterfind(_RELATIONS), _number)

    def read_changes(self, since: str) -> Batch:
        """Return one page of relations changed after the marker `since`, keyed by relation number.

        With an empty `since` nothing is read and the stamp is the till's present marker. The last page is an empty one.
        """
        if not since:
            return present_marker(self._client, "relationSyncMarker")
        since_marker = int(since)
        with translated_parse_errors():
            relations = self.relations_since(since_marker + 1)
            page = page_after(relations, since_marker, codec.relation_marker, "getRelations")
            changed = filter(None, (codec.if_readable(_mark, relation) for relation in relations))
            return replace(page, records=tuple({record.key: record for record in changed}.values()))

    # ---- writing

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:  # noqa: ARG002
        """Carry out one change and return the relation's number, with the marker of the change if the answer has it.

        A new relation gets our key as its external id, unless the record has another one. So a relation whose create
        was not answered is found again, and `token` is not needed.
        """
        if change.action is Action.CREATE or current is None:
            return self._create(change.desired)
        return self._update(change.desired, current)

    def require_storable(self, change: Change) -> None:
        """Raise UnfitError or CustomFieldUnknownError for a value that cannot be written."""
        self._new_relation(change.desired)

    def _new_relation(self, desired: Record) -> dict[str, Any]:
        values = {**desired.values, "external_id": desired.values.get("external_id") or desired.key}
        return self._form(desired).new_relation(Record(desired.kind, desired.key, values))

    def _create(self, desired: Record) -> WriteResult:
        answer = self._client.write("createRelation", relation=self._new_relation(desired))
        return WriteResult(created_number(answer, "relationNumber"), answer.findtext(qualified("syncMarker")) or "")

    def _update(self, desired: Record, current: CurrentRecord) -> WriteResult:
        if not isinstance(current.original, Element):
            raise TypeError("a relation that was not looked up here")
        relation = self._form(desired).edited(current.original, desired)
        # The comparison includes points that a customer earned since, because a complete write would undo them.
        require_unchanged(
            self.read([current.reference]).get(current.reference), current.original, codec.relation_marker
        )
        answer = self._client.write_whole("updateRelation", relation)
        return WriteResult(current.reference, answer.findtext(qualified("syncMarker")) or "")

    def _form(self, desired: Record | None = None) -> RelationForm:
        """Return the form that reads and writes relations, with the custom fields that the record needs."""
        values = desired.values if desired else {}
        names = {name.removeprefix(codec.CUSTOM) for name in values if name.startswith(codec.CUSTOM)}
        if not names <= self._custom_types.keys():
            self._custom_types = self._fields.custom_types(Kind.RELATION)
        return RelationForm(self._custom_types, self._settings.discounts_in == "hundredths")


def _current_relation(form: RelationForm, key: str, match: _Match, element: Element) -> CurrentRecord:
    try:
        codec.require_relation_number(element)
        record, marker = form.read(element, key), str(codec.relation_marker(element))
    except WrongValueError as error:
        record, marker = unreadable(Kind.RELATION, key, error, codec.raw_elements(element)), ""
    return CurrentRecord(
        record, match.number, marker, original=element, evidence=match.evidence, other_references=match.others
    )


def _number(element: Element) -> str | None:
    return codec.if_readable(codec.relation_number, element)


def _mark(element: Element) -> Record:
    marker = str(codec.relation_marker(element))
    return Record(Kind.RELATION, codec.relation_number(element), {"marker": marker})


class _Index:
    """Index of all relations of the till by their evidence, updated incrementally at each lookup.

    `nameless` are relations without a readable number, and those that a page had with different content. A customer
    that matches one of them is parked, to avoid a duplicate.
    """

    def __init__(self, relations: TillRelations, page: int) -> None:
        self._relations = relations
        # A relation can become visible after one with a higher marker, so the last few are read again.
        self._overlap = page // 4
        self._last_marker = 0
        self._marks: dict[str, Marks] = {}
        self.nameless: dict[str, Element] = {}
        self._places: dict[tuple[str, str], tuple[str, ...]] = {}  # kind of evidence and text -> relation numbers
        self._lock = Lock()

    def refresh(self) -> None:
        """Read the changes since the last refresh."""
        with self._lock:
            start = max(0, self._last_marker - self._overlap)
            if self.nameless:  # they may have a readable number by now
                start = 0
                self._remove_nameless()
            while relations := self._relations.relations_since(start + 1):
                for element in relations:
                    self._add(element)
                start = int(page_after(relations, start, codec.relation_marker, "getRelations").stamp or start)
                if start == self._last_marker:  # nothing new: a page holds more than is read again
                    return
                self._last_marker = max(self._last_marker, start)

    def _remove_nameless(self) -> None:
        for number in self.nameless:
            self._set_marks(number, None)
        self.nameless = {}

    def _add(self, element: Element) -> None:
        number = codec.if_readable(codec.relation_number, element)
        if number and is_marked_different(element):
            self._set_marks(number, None)
        if not number or is_marked_different(element):
            number = f"?{len(self.nameless)}"
            self.nameless = {**self.nameless, number: element}
        self._set_marks(number, codec.marks_of(element))

    def forget(self, numbers: Iterable[str]) -> None:
        """Remove relations that no longer exist."""
        with self._lock:
            for number in numbers:
                self._set_marks(number, None)

    def fitting_numbers(self, marks: Marks, evidence: str) -> list[str]:
        """Return the numbers of the relations that this evidence fits: nameless first, then active, then the lowest."""
        numbers = self._places.get((evidence, getattr(marks, evidence)), ())
        fitting_marks = {
            number: relation_marks
            for number in numbers
            if (relation_marks := self._marks.get(number)) and marks.may_be(relation_marks, evidence)
        }
        return sorted(
            fitting_marks,
            key=lambda number: (number not in self.nameless, not fitting_marks[number].active, int(number.strip("?"))),
        )

    def _set_marks(self, number: str, marks: Marks | None) -> None:
        old = self._marks.pop(number, None)
        for place in _places(old) - _places(marks):
            remaining = tuple(other for other in self._places.get(place, ()) if other != number)
            if remaining:
                self._places[place] = remaining
            else:
                self._places.pop(place, None)
        for place in _places(marks) - _places(old):
            self._places[place] = (*self._places.get(place, ()), number)
        if marks is not None:
            self._marks[number] = marks


def _places(marks: Marks | None) -> set[tuple[str, str]]:
    """Return the index keys of a relation: blank evidence is left out, an inactive one has its external id only."""
    if marks is None:
        return set()
    counting = _EVIDENCE if marks.active else _EVIDENCE[:1]
    return {(evidence, text) for evidence in counting if (text := getattr(marks, evidence))}
