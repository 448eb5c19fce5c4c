"""MplusKASSA as a connector: which calls make up looking, writing and checking."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import NoReturn

from integration.connectors.http import Line, side_by_side
from integration.connectors.mplus import codec
from integration.connectors.mplus.client import SYSTEM, Client, Element, tag
from integration.connectors.mplus.codec import Edit, Group, Words
from integration.connectors.mplus.settings import MplusSettings
from integration.connectors.mplus.setup import Setup
from integration.connectors.protocol import Finding, References
from integration.core.errors import (
    ConnectorError,
    InDoubtError,
    IntegrationError,
    MalformedAnswerError,
    RejectedError,
)
from integration.core.plan import Action, Change
from integration.core.records import Batch, Field, Held, Kind, Record, Value, Written, same

_TOP = "0"  # parent of a group at the top, in our copy of the tree


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A product as it was read; `apart` are wanted article numbers that are in use in another product."""

    element: Element
    apart: frozenset[str] = frozenset()


class Mplus:
    """One MplusKASSA installation as the target of article groups and products."""

    system = "mplus"

    def __init__(self, settings: MplusSettings, line: Line | None = None) -> None:
        self.settings = settings
        self.in_flight = settings.in_flight
        self._client = Client(settings, line)
        self._setup = Setup(settings, self._client)
        self._words = Words(settings.retire_with)
        self._custom_types: Mapping[str, str] | None = None

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    # ---- set-up

    def check(self) -> list[Finding]:
        """Return the connection check, stopping at the first thing that is wrong. Never raises."""
        return self._setup.check()

    def fields(self, kind: Kind) -> list[Field]:
        """Return our words, every other simple field by its wire name, and the custom fields the till defines."""
        return self._setup.fields(kind)

    def choices(self, name: str) -> dict[str, str]:
        """Return codes and captions for a question of the set-up; see `Setup.choices` for the names."""
        return self._setup.choices(name)

    # ---- the source side, which the till does not have in these flows

    def extract(self, kind: Kind, since: str | None = None, after: str | None = None) -> Batch:  # noqa: ARG002
        """Raise RejectedError: nothing of these kinds flows out of the till."""
        _not_for(kind)

    def fetch(self, kind: Kind, keys: Collection[str]) -> list[Record]:  # noqa: ARG002
        """Raise RejectedError: nothing of these kinds flows out of the till."""
        _not_for(kind)

    # ---- looking

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return what the till holds now, by our keys.

        Products are found by the numbers of their articles, then by their link. When the wanted articles sit in
        several products, the one that has most of them is returned, and a write that needs the others is refused.
        Groups are found by their link, then by name under the same parent.
        """
        products = [record for record in wanted if record.kind is Kind.PRODUCT]
        groups = [record for record in wanted if record.kind is Kind.GROUP]
        with _readable():
            held = self._products(products, references) if products else {}
            return held | (self._groups(groups, references) if groups else {})

    def _products(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        numbers = _whole(part.key for record in wanted for part in record.parts)
        found = self._read("articleNumbers", numbers)
        home = {codec.article_number(each): number for number, one in found.items() for each in codec.articles(one)}
        chosen = {record.key: _chosen(record, home, references) for record in wanted}
        missing = _whole(number for number in chosen.values() if number and number not in found)
        found |= self._read("productNumbers", missing)
        held = {}
        for record in wanted:
            element = found.get(chosen[record.key] or "")
            if element is not None:
                apart = frozenset(
                    part.key for part in record.parts if home.get(part.key, chosen[record.key]) != chosen[record.key]
                )
                held[record.key] = self._held(element, record.key, apart, references)
        return held

    def _held(self, element: Element, key: str, apart: frozenset[str], references: References) -> Held:
        record = codec.decode_product(element, key, partial(references.key, Kind.GROUP), self._words)
        return Held(record, _product_number(element), str(codec.marker(element)), _Sheet(element, apart))

    def _read(self, filter_name: str, numbers: Sequence[str]) -> dict[str, Element]:
        """Return products by their numbers, asked for in pages side by side."""
        size = self.settings.page_articles
        pages = [numbers[start : start + size] for start in range(0, len(numbers), size)]

        def ask(page: Sequence[str]) -> list[Element]:
            request = {filter_name: page, "pluNumbers": {}, "includeAllArticlesOfSelectedProducts": True}
            return list(self._client.read("getProducts", request=request).iterfind(_PRODUCTS))

        found: dict[str, Element] = {}
        for answer in side_by_side(ask, pages, self.in_flight):
            if isinstance(answer, IntegrationError):
                raise answer
            found.update((_product_number(element), element) for element in answer)
        return found

    def _tree(self) -> dict[str, Group]:
        with _readable():
            return codec.decode_groups(self._client.read("getArticleGroups", request={}))

    def _groups(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        tree = self._tree()
        found = _Matching(wanted, tree, references).numbers()
        codes = {number: key for key, number in found.items()}
        held = {}
        for record in wanted:
            group = tree.get(found.get(record.key, ""))
            if group is not None:
                parent = (
                    "" if group.parent == _TOP else codes.get(group.parent) or references.key(Kind.GROUP, group.parent)
                )
                # A parent that is not ours has no code; its number with a sign can be no code of the source.
                values: dict[str, Value] = {
                    "name": group.name,
                    "parent": f"#{group.parent}" if parent is None else parent,
                }
                held[record.key] = Held(Record(Kind.GROUP, record.key, values), group.number, group.marker, group)
        return held

    def changed(self, kind: Kind, since: str, after: str | None = None) -> Batch:
        """Return one page of products changed after the marker `since`, keyed by product number.

        With an empty `since` nothing is read and the stamp is the till's present marker. The last page is an empty
        one: how full a limited answer is says nothing, since its limit counts articles and cuts between products.
        """
        if kind is not Kind.PRODUCT:
            _not_for(kind)
        if not since:
            answer = self._client.read("getCurrentSyncMarkers")
            return Batch((), None, answer.findtext(tag("articleSyncMarker")) or "0")
        seen = int(after or since)
        request = {"pluNumbers": {}, "syncMarker": seen + 1, "syncMarkerLimit": self.settings.page_articles}
        with _readable():
            found = list(self._client.read("getProducts", request=request).iterfind(_PRODUCTS))
            if not found:
                return Batch((), None, str(seen))
            # An answer is not sorted, but holds the lowest markers from the bound on.
            highest = max(codec.marker(element) for element in found)
            if highest <= seen:
                raise MalformedAnswerError("answer_unreadable", system=SYSTEM, operation="getProducts")
            return Batch(tuple(map(_mark, found)), str(highest), str(highest))

    # ---- writing

    def calls(self, change: Change) -> int:
        """Return how many write calls this change takes."""
        if change.kind is not Kind.PRODUCT or self.settings.membership == "product":
            return 1
        wanted = _codes(change.wanted) if "groups" in change.wanted.values else None
        before = _codes(change.before) if change.before else frozenset()
        memberships = 0 if wanted is None else len(wanted ^ before)
        return memberships + (1 if change.action is Action.CREATE or _beyond_groups(change.wanted) else 0)

    def write(self, change: Change, held: Held | None, references: References, token: str) -> Written:  # noqa: ARG002
        """Carry out one change and return the product's or group's number, with the marker of the change if told.

        The numbers of articles are the key that keeps a product from being made twice, so `token` is not needed.
        Raises RejectedError when the till refuses the record and InDoubtError when no usable answer came.
        """
        if change.kind not in (Kind.PRODUCT, Kind.GROUP):
            _not_for(change.kind)
        product = change.kind is Kind.PRODUCT
        with _about(change, held):
            if change.action is Action.CREATE:
                create = self._create_product if product else self._create_group
                return create(change.wanted, references)
            if held is None:
                raise RejectedError("target_record_missing")
            update = self._update_product if product else self._update_group
            return update(change.wanted, held, references)

    def _create_product(self, wanted: Record, references: References) -> Written:
        numbers = [_reference(references, code) for code in sorted(_codes(wanted))]
        inside = numbers if self.settings.membership == "product" else []
        product = codec.encode_product(wanted, inside, self._types(wanted), self._words)
        answer = self._client.write("createProduct", product=product)
        written = Written(_told(answer, "productNumber"), answer.findtext(tag("syncMarker")) or "")
        if not inside:
            self._join(written.reference, numbers)
        return written

    def _update_product(self, wanted: Record, held: Held, references: References) -> Written:
        sheet = held.original
        if not isinstance(sheet, _Sheet):
            raise TypeError("a product that was not looked up here")
        _refuse_apart(wanted, sheet)
        self._refuse_moved(held)
        join, leave = _memberships(wanted, held, references)
        inside = self.settings.membership == "product"
        edit = Edit(
            wanted=wanted,
            words=self._words,
            types=self._types(wanted),
            leading_price=self.settings.leading_price,
            groups=(join, leave) if inside else (frozenset(), frozenset()),
        )
        element, touched = codec.edited(sheet.element, edit)
        marker = ""
        if touched:
            answer = self._client.write_whole("updateProduct", element)
            marker = answer.findtext(tag("syncMarker")) or ""
        if not inside:
            self._join(held.reference, sorted(join))
            self._leave(held.reference, sorted(leave))
        return Written(held.reference, marker)

    def _refuse_moved(self, held: Held) -> None:
        """Look once more: what is written back whole must not undo what somebody did since it was read."""
        now = self._read("productNumbers", [held.reference]).get(held.reference)
        if now is None:
            raise RejectedError("target_record_missing")
        if str(codec.marker(now)) != held.marker:
            raise RejectedError("target_changed_since_plan")

    def _join(self, product: str, groups: Iterable[str]) -> None:
        for number in groups:
            request = {"groupNumber": number, "productNumbers": {"number": [product]}}
            self._client.write("addProductsToArticleGroup", request=request)

    def _leave(self, product: str, groups: Iterable[str]) -> None:
        for number in groups:
            request = {"groupNumber": number, "productNumbers": {"number": [product]}}
            self._client.write("deleteProductsFromArticleGroup", request=request)

    def _create_group(self, wanted: Record, references: References) -> Written:
        request = {
            "parentGroupNumber": self._parent_number(wanted, references),
            "name": codec.checked_text("name", wanted.values.get("name", "")),
            "text": "",
        }
        answer = self._client.write("newArticleGroup", request=request)
        return Written(_told(answer, "groupNumber"))

    def _update_group(self, wanted: Record, held: Held, references: References) -> Written:
        group = held.original
        if not isinstance(group, Group):
            raise TypeError("a group that was not looked up here")
        if "name" in wanted.values:
            group = replace(group, name=codec.checked_text("name", wanted.values["name"]))
        parent = group.parent if group.parent != _TOP else str(self.settings.top_group)
        if "parent" in wanted.values:
            parent = self._parent_number(wanted, references)
        self._client.write("updateArticleGroup", request=codec.encode_group(replace(group, parent=parent)))
        return Written(held.reference)

    def _parent_number(self, wanted: Record, references: References) -> str:
        code = str(wanted.values.get("parent") or "")
        return _reference(references, code) if code else str(self.settings.top_group)

    def _types(self, wanted: Record) -> Mapping[str, str]:
        """Return the custom fields the till defines, asked for only when one of them is to be written."""
        names = {
            name.removeprefix(codec.CUSTOM)
            for part in wanted.parts
            for name in part.values
            if name.startswith(codec.CUSTOM)
        }
        if not names:
            return {}
        if self._custom_types is None or not names <= self._custom_types.keys():
            self._custom_types = self._setup.custom_types()
        return self._custom_types


_PRODUCTS = f"{tag('productList')}/{tag('product')}"


def _product_number(element: Element) -> str:
    return str(int(element.findtext(tag("productNumber")) or 0))


def _mark(element: Element) -> Record:
    parts = tuple(Record(Kind.ARTICLE, codec.article_number(each), {}) for each in codec.articles(element))
    return Record(Kind.PRODUCT, _product_number(element), {"marker": str(codec.marker(element))}, parts)


def _whole(numbers: Iterable[str]) -> list[str]:
    """Return what can be a number of the till, each once; anything else cannot be found there."""
    return [number for number in dict.fromkeys(numbers) if number.isascii() and number.isdigit() and len(number) < 19]  # noqa: PLR2004


def _chosen(record: Record, home: Mapping[str, str], references: References) -> str | None:
    """Return the number of the product that has most of the wanted articles, the linked one when it is a draw."""
    linked = references.reference(Kind.PRODUCT, record.key)
    count = Counter(home[part.key] for part in record.parts if part.key in home)
    if not count:
        return linked
    return max(count, key=lambda number: (count[number], number == linked, -int(number)))


class _Matching:
    """Finds wanted groups in the tree: by their link, then by name under the same parent."""

    def __init__(self, wanted: Sequence[Record], tree: Mapping[str, Group], references: References) -> None:
        self._wanted = {record.key: record for record in wanted}
        self._tree = tree
        self._references = references
        self._places = {(group.parent, group.name): number for number, group in reversed(list(tree.items()))}
        self._found: dict[str, str | None] = {"": _TOP}

    def numbers(self) -> dict[str, str]:
        """Return the numbers of those that are there, by our codes."""
        numbers = {code: self._number(code) for code in self._wanted}
        return {code: number for code, number in numbers.items() if number is not None}

    def _number(self, code: str) -> str | None:
        if code not in self._found:
            self._found[code] = None  # a group that is its own ancestor has no place
            self._found[code] = self._linked(code) or self._named(code)
        return self._found[code]

    def _linked(self, code: str) -> str | None:
        number = self._references.reference(Kind.GROUP, code)
        return number if number in self._tree else None

    def _named(self, code: str) -> str | None:
        record = self._wanted.get(code)
        name = record.values.get("name") if record else None
        if record is None or not isinstance(name, str):
            return None
        parent = self._number(str(record.values.get("parent") or ""))
        return None if parent is None else self._places.get((parent, name))


def _codes(record: Record) -> frozenset[str]:
    groups = record.values.get("groups")
    return frozenset(groups) if isinstance(groups, tuple) else frozenset()


def _beyond_groups(record: Record) -> bool:
    return bool(record.parts) or any(name != "groups" for name in record.values)


def _memberships(wanted: Record, held: Held, references: References) -> tuple[frozenset[str], frozenset[str]]:
    """Return the group numbers to join and to leave; groups we do not know stay as they are."""
    if "groups" not in wanted.values or same(wanted.values["groups"], held.record.values.get("groups")):
        return frozenset(), frozenset()
    before, after = _codes(held.record), _codes(wanted)
    join = frozenset(_reference(references, code) for code in after - before)
    return join, frozenset(_reference(references, code) for code in before - after)


def _reference(references: References, code: str) -> str:
    number = references.reference(Kind.GROUP, code)
    if number is None:
        raise RejectedError("value_unmapped", system=SYSTEM, value=code, table="article_groups")
    return number


def _refuse_apart(wanted: Record, sheet: _Sheet) -> None:
    """Refuse to add an article under a number that is in use in another product."""
    for part in wanted.parts:
        if part.key in sheet.apart:
            raise RejectedError("article_number_taken", system=SYSTEM, number=part.key, article=part.source or part.key)


def _told(answer: Element, wire: str) -> str:
    """Return the number a create answered; without it the answer is of no use."""
    text = (answer.findtext(tag(wire)) or "").strip()
    if not text.isdigit() or not int(text):
        raise InDoubtError("timeout_after_sending_write", system=SYSTEM, reason="answer_unreadable")
    return str(int(text))


def _not_for(kind: Kind) -> NoReturn:
    raise RejectedError("mplus_rejected", key=kind, message="not for this kind of record")


@contextmanager
def _readable() -> Iterator[None]:
    """Turn a field that does not hold what its type says into an unreadable answer."""
    try:
        yield
    except ValueError:
        failure = MalformedAnswerError("answer_unreadable", system=SYSTEM)
    else:
        return
    raise failure


@contextmanager
def _about(change: Change, held: Held | None) -> Iterator[None]:
    """Say of every trouble with a write which record it is about."""
    facts = {
        "system": SYSTEM,
        "key": change.title or change.key,
        "number": held.reference if held else ", ".join(part.key for part in change.wanted.parts),
        "article": ", ".join(part.source or part.key for part in change.wanted.parts) or change.key,
    }
    try:
        yield
    except codec.UnfitError as error:
        failure: ConnectorError = RejectedError(
            "characters_not_supported", **facts, field=error.field, value=repr(error.value)
        )
    except codec.CustomFieldUnknownError as error:
        failure = RejectedError("field_unknown", **facts, field=error.field)
    except ConnectorError as error:
        if error.code == "article_number_taken":
            facts["number"] = ", ".join(part.key for part in change.wanted.parts)
        failure = type(error)(error.code, **{**facts, **error.facts})
    else:
        return
    raise failure
