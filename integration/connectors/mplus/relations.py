"""Relations as a target: matched by link and by exact evidence, written as a whole."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Client, Element, qualified
from integration.connectors.mplus.codec import Marks, RelationForm
from integration.connectors.mplus.fields import TillFields
from integration.connectors.mplus.lists import ByNumbers, PartialLists, by_own_number, expect_once
from integration.connectors.mplus.settings import MplusSettings
from integration.connectors.mplus.target import (
    created_number,
    expect_readable,
    in_pages,
    page_after,
    present_marker,
    require_unchanged,
    till_numbers,
)
from integration.connectors.protocol import References
from integration.core.plan import Action, Change
from integration.core.records import Batch, Held, Kind, Record, WriteResult, WrongValueError, unreadable

_RELATIONS = f"{qualified('relationList')}/{qualified('relation')}"
_EVIDENCE = ("external_id", "vat_number", "email")  # in the order of precedence


@dataclass(frozen=True, slots=True)
class _Match:
    """The relation that a customer was matched with, the evidence, and other relations that the evidence fits."""

    number: str
    evidence: str
    others: tuple[str, ...] = ()


class TillRelations:
    """The relations of one installation."""

    def __init__(self, settings: MplusSettings, client: Client, fields: TillFields) -> None:
        self._settings = settings
        self._client = client
        self._fields = fields
        self._lowest, self._named = PartialLists(), ByNumbers[tuple[str, Element]]()
        self._index = _Index(self, settings.page_relations)
        self._custom_types: Mapping[str, str] = {}

    # ---- lookup

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return the till's current relations, matched by link, external id, VAT number or e-mail, in this order.

        A record whose linked relation is gone is left out. Of several relations that the same evidence fits, the active
        one with the lowest number is returned, and the others are in `Held.others`. VAT number and e-mail match neither
        an inactive relation nor one that is linked to another customer.
        """
        linked = {record.key: references.reference(Kind.RELATION, record.key) for record in wanted}
        matches = {key: _Match(number, "link") for key, number in linked.items() if number}
        with expect_readable():
            found = self.read(match.number for match in matches.values())
            open_ = [record for record in wanted if record.key not in matches]
            if open_:
                matches |= self._matched(open_, references, found)
            form = self._form()
            return {
                key: _held(form, key, match, element)
                for key, match in matches.items()
                if (element := found.get(match.number)) is not None
            }

    def _matched(
        self, wanted: Sequence[Record], references: References, found: dict[str, Element]
    ) -> dict[str, _Match]:
        """Return the matches of these customers, and add the matched relations to `found`."""
        self._index.refresh()
        while True:
            own = {record.key: self._own(record, references) for record in wanted}
            owned = {number: key for key, numbers in own.items() for number in numbers}
            matches = {record.key: match for record in wanted if (match := self._match(record, references, own, owned))}
            found |= self._index.nameless
            asked = {match.number for match in matches.values()} - found.keys()
            answered = self.read(asked)
            found |= answered
            gone = asked - answered.keys()
            if not gone:
                return matches
            self._index.forget(gone)  # the till does not report relations that it removed

    def _own(self, record: Record, references: References) -> list[str]:
        """Return the relations with the external id of this customer, without those known to be other customers."""
        distinct = references.distinct(Kind.RELATION, record.key)
        for given in (record.key, record.values.get("external_id")):
            fitting = self._index.fitting(codec.marks(given, None, None), "external_id")
            if found := [number for number in fitting if number not in distinct]:
                return found
        return []

    def _match(
        self, record: Record, references: References, own: Mapping[str, Sequence[str]], owned: Mapping[str, str]
    ) -> _Match | None:
        """Return the match of a customer; a relation with the external id of another wanted customer is theirs."""
        if numbers := own[record.key]:
            return _Match(numbers[0], "external_id", tuple(numbers[1:]))
        values = record.values
        sought = codec.marks(None, values.get("vat_number"), values.get("email"), country=values.get("country"))
        distinct = references.distinct(Kind.RELATION, record.key)
        for evidence in _EVIDENCE[1:]:
            known = {
                number: references.key(Kind.RELATION, number) or owned.get(number)
                for number in self._index.fitting(sought, evidence)
                if number not in distinct
            }
            if numbers := [number for number, key in known.items() if key in (None, record.key)]:
                return _Match(numbers[0], evidence, tuple(numbers[1:]))
        return None

    def read(self, numbers: Iterable[str]) -> dict[str, Element]:
        """Return relations by their numbers, without those that do not exist.

        A relation without a readable number is assigned to the number it answers to when read alone.
        """
        ask = by_own_number(lambda page: self._asked(relationNumbers=page), _number)
        limit = self._settings.in_flight
        asking = self._named.ask_all(ask, lambda one: one[:1])
        return dict(in_pages(asking, till_numbers(numbers), self._settings.page_relations, limit))

    def relations_since(self, marker: int) -> list[Element]:
        """Return one page of the relations from this change marker on: the lowest markers, unsorted."""

        def markers(found: Iterable[Element]) -> list[int | None]:
            return [codec.if_readable(codec.relation_marker, each) for each in found]

        def ask(limit: int) -> list[Element]:
            return self._asked(syncMarker=marker, syncMarkerLimit=limit)

        found = ask(self._settings.page_relations)
        self._lowest.expect("getRelations", markers(found), lambda limit: markers(ask(limit)))
        return found

    def _asked(self, **request: object) -> list[Element]:
        found = list(self._client.read("getRelations", request=request).iterfind(_RELATIONS))
        expect_once("getRelations", (codec.if_readable(codec.relation_number, each) for each in found))
        return found

    def changed(self, since: str) -> Batch:
        """Return one page of relations changed after the marker `since`, keyed by relation number.

        With an empty `since` nothing is read and the stamp is the till's present marker. The last page is an empty one.
        """
        if not since:
            return present_marker(self._client, "relationSyncMarker")
        seen = int(since)
        with expect_readable():
            found = self.relations_since(seen + 1)
            page = page_after(found, seen, codec.relation_marker, "getRelations")
            return replace(page, records=tuple(filter(None, (codec.if_readable(_mark, each) for each in found))))

    # ---- writing

    def calls(self, change: Change) -> int:  # noqa: ARG002
        """Return 1."""
        return 1

    def write(self, change: Change, held: Held | None, references: References, token: str) -> WriteResult:  # noqa: ARG002
        """Carry out one change and return the relation's number, with the marker of the change if the answer has it.

        A new relation gets our key as its external id, unless the record has another one. So a relation whose create
        was not answered is found again, and `token` is not needed.
        """
        if change.action is Action.CREATE or held is None:
            return self._create(change.wanted)
        return self._update(change.wanted, held)

    def _create(self, wanted: Record) -> WriteResult:
        values = {**wanted.values, "external_id": wanted.values.get("external_id") or wanted.key}
        content = self._form(wanted).new_relation(Record(wanted.kind, wanted.key, values))
        answer = self._client.write("createRelation", relation=content)
        return WriteResult(created_number(answer, "relationNumber"), answer.findtext(qualified("syncMarker")) or "")

    def _update(self, wanted: Record, held: Held) -> WriteResult:
        if not isinstance(held.original, Element):
            raise TypeError("a relation that was not looked up here")
        relation = self._form(wanted).edited(held.original, wanted)
        # The comparison includes points that a customer earned since, because a complete write would undo them.
        require_unchanged(self.read([held.reference]).get(held.reference), held.original, codec.relation_marker)
        answer = self._client.write_whole("updateRelation", relation)
        return WriteResult(held.reference, answer.findtext(qualified("syncMarker")) or "")

    def _form(self, wanted: Record | None = None) -> RelationForm:
        """Return the form that reads and writes relations, with the custom fields that the record needs."""
        values = wanted.values if wanted else {}
        names = {name.removeprefix(codec.CUSTOM) for name in values if name.startswith(codec.CUSTOM)}
        if not names <= self._custom_types.keys():
            self._custom_types = self._fields.custom_types(Kind.RELATION)
        return RelationForm(self._custom_types, self._settings.discounts_in == "hundredths")


def _held(form: RelationForm, key: str, match: _Match, element: Element) -> Held:
    try:
        codec.expect_relation_number(element)
        record, marker = form.read(element, key), str(codec.relation_marker(element))
    except WrongValueError as error:
        record, marker = unreadable(Kind.RELATION, key, error, codec.raw_elements(element)), ""
    return Held(record, match.number, marker, original=element, evidence=match.evidence, others=match.others)


def _number(element: Element) -> str | None:
    return codec.if_readable(codec.relation_number, element)


def _mark(element: Element) -> Record:
    marker = str(codec.relation_marker(element))
    return Record(Kind.RELATION, codec.relation_number(element), {"marker": marker})


class _Index:
    """Index of all relations of the till by their evidence, updated incrementally at each lookup.

    `nameless` are relations without a readable number. A customer that matches one of them is parked, to avoid a
    duplicate.
    """

    def __init__(self, relations: TillRelations, page: int) -> None:
        self._relations = relations
        # A relation can become visible after one with a higher marker, so the last few are read again.
        self._overlap = page // 4
        self._seen = 0
        self._known: dict[str, Marks] = {}
        self.nameless: dict[str, Element] = {}
        self._places: dict[tuple[str, str], tuple[str, ...]] = {}  # kind of evidence and text -> relation numbers
        self._alone = Lock()

    def refresh(self) -> None:
        """Read the changes since the last refresh."""
        with self._alone:
            start = max(0, self._seen - self._overlap)
            if self.nameless:  # they may have a readable number by now
                start = 0
                self._put_out()
            while found := self._relations.relations_since(start + 1):
                for element in found:
                    self._take(element)
                start = int(page_after(found, start, codec.relation_marker, "getRelations").stamp or start)
                if start == self._seen:  # nothing new: a page holds more than is read again
                    return
                self._seen = max(self._seen, start)

    def _put_out(self) -> None:
        for number in self.nameless:
            self._note(number, None)
        self.nameless = {}

    def _take(self, element: Element) -> None:
        number = codec.if_readable(codec.relation_number, element)
        if not number:
            number = f"?{len(self.nameless)}"
            self.nameless = {**self.nameless, number: element}
        self._note(number, codec.marks_of(element))

    def forget(self, numbers: Iterable[str]) -> None:
        """Remove relations that no longer exist."""
        with self._alone:
            for number in numbers:
                self._note(number, None)

    def fitting(self, sought: Marks, evidence: str) -> list[str]:
        """Return the numbers of the relations that this evidence fits: nameless first, then active, then the lowest."""
        numbers = self._places.get((evidence, getattr(sought, evidence)), ())
        marks = {number: one for number in numbers if (one := self._known.get(number))}
        known = {number: one for number, one in marks.items() if sought.may_be(one, evidence)}
        return sorted(
            known, key=lambda number: (number not in self.nameless, not known[number].active, int(number.strip("?")))
        )

    def _note(self, number: str, marks: Marks | None) -> None:
        old = self._known.pop(number, None)
        for place in _places(old) - _places(marks):
            left = tuple(other for other in self._places.get(place, ()) if other != number)
            if left:
                self._places[place] = left
            else:
                self._places.pop(place, None)
        for place in _places(marks) - _places(old):
            self._places[place] = (*self._places.get(place, ()), number)
        if marks is not None:
            self._known[number] = marks


def _places(marks: Marks | None) -> set[tuple[str, str]]:
    """Return the index keys of a relation: blank evidence is left out, an inactive one has its external id only."""
    if marks is None:
        return set()
    counting = _EVIDENCE if marks.active else _EVIDENCE[:1]
    return {(evidence, text) for evidence in counting if (text := getattr(marks, evidence))}
