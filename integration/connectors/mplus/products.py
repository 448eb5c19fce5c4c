"""Products with their articles as a target: found by the numbers of the articles, written whole."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import TypeVar

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Client, Element, qualified
from integration.connectors.mplus.codec import ElementEdit, Vocabulary
from integration.connectors.mplus.fields import TillFields
from integration.connectors.mplus.groups import group_number
from integration.connectors.mplus.lists import ByNumbers, PartialLists, expect_once
from integration.connectors.mplus.pricing import BranchPrices, without_branches
from integration.connectors.mplus.settings import MplusSettings
from integration.connectors.mplus.target import (
    created_number,
    expect_readable,
    expect_unmoved,
    in_pages,
    page_after,
    present_marker,
    till_numbers,
)
from integration.connectors.protocol import References
from integration.core.errors import RejectedError
from integration.core.issues import article_elsewhere_issue
from integration.core.plan import Action, Change
from integration.core.records import (
    Batch,
    Held,
    Kind,
    Location,
    Record,
    Written,
    WrongValueError,
    same,
    unreadable,
)

T = TypeVar("T")
_TURNS = 64  # locks, shared by products whose numbers leave the same remainder


class TillProducts:
    """The products of one installation."""

    def __init__(self, settings: MplusSettings, client: Client, fields: TillFields) -> None:
        self._settings = settings
        self._client = client
        self._fields = fields
        self._words = Vocabulary(settings.retire_with, settings.discounts_in == "hundredths")
        self._branch_prices = BranchPrices(settings, client)
        self._custom_types: Mapping[str, str] | None = None
        self._lowest = PartialLists()
        self._named: ByNumbers[tuple[str, str, codec.ArticleIdentity]] = ByNumbers()
        self._named_products = ByNumbers[Element](lambda product: len(codec.articles(product)))
        self._turns = [Lock() for _ in range(_TURNS)]

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return what the till holds now; found by the numbers of the articles, then by their link.

        When the wanted articles sit in several products, the linked one is returned, or else the one that has most of
        them; where the others are is told, and a write that needs them is refused.
        """
        with expect_readable():
            return self._found(wanted, references)

    def _found(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        parts = [part for record in wanted for part in record.parts]
        known = {part.source: references.reference(Kind.ARTICLE, part.source) or "" for part in parts if part.source}
        linked = {record.key: references.reference(Kind.PRODUCT, record.key) or "" for record in wanted}
        numbers = till_numbers([*(part.key for part in parts), *known.values()])
        found = self.read("articleNumbers", numbers)
        unnamed = self._unnamed(found, numbers)
        found |= self.read("productNumbers", till_numbers(number for number in linked.values() if number not in found))
        shelf, lines = _Shelf(found, unnamed), self._branch_prices.lines(wanted)
        held = {}
        for record in wanted:
            places = {part.key: shelf.place(part, known.get(part.source, "")) for part in record.parts}
            number = _chosen([place.reference for place in places.values() if place], linked[record.key])
            if number in found:
                apart = {
                    key: place
                    for key, place in places.items()
                    if place and (place.reference, place.number) != (number, key)
                }
                now = self._held(found[number], record.key, apart, references)
                held[record.key] = replace(now, record=self._branch_prices.shown(record, now.record, lines))
            elif len(wanted) == 1 and (part := self._part_of(linked[record.key], places)) is not None:
                held[record.key] = _not_whole(record.key, part)
        return held

    def _part_of(self, product: str, articles: Iterable[str]) -> Element | None:
        """Return a product of which the till tells one of these articles alone, and not all that is in it."""
        for number in till_numbers(articles) if product else ():
            for each in self._asked("articleNumbers", [number], siblings=False):
                if _home(each) == product:
                    return each
        return None

    def _unnamed(self, found: Mapping[str, Element], numbers: Sequence[str]) -> dict[str, str]:
        """Return the products of articles that do not say their number, by the one they answer to when asked alone."""
        told = {name for product in found.values() for name in _articles_of(product)}
        if None not in told:
            return {}
        return {
            number: home
            for number in numbers
            if number not in told
            for home, product in self.read("articleNumbers", [number]).items()
            if None in _articles_of(product)
        }

    def _held(self, element: Element, key: str, apart: Mapping[str, Location], references: References) -> Held:
        number = _home(element)
        try:
            codec.product_number(element)
            record = codec.decode_product(element, key, partial(references.key, Kind.GROUP), self._words)
            marker = str(codec.change_marker(element))
        except WrongValueError as error:
            return Held(unreadable(Kind.PRODUCT, key, error, codec.raw_elements(element)), number, original=element)
        return Held(record, number, marker, original=element, elsewhere=apart)

    def read(self, filter_name: str, numbers: Sequence[str]) -> dict[str, Element]:
        """Return products with all their articles by their numbers, asked for in pages side by side."""
        return {_home(element): element for element in self._asked(filter_name, numbers, siblings=True)}

    def articles(self, numbers: Sequence[str]) -> dict[str, tuple[str, Element]]:
        """Return articles by their numbers, each with the number of its product.

        One that does not say its number, or that of one nobody asked for, comes with the one it answers to alone.
        """
        wanted = set(numbers)
        found: dict[str, tuple[str, Element]] = {}
        nameless: list[tuple[str, Element]] = []
        for product in self._asked("articleNumbers", numbers, siblings=False):
            home = _home(product)
            for article in codec.articles(product):
                number = codec.if_readable(codec.article_number, article)
                if number in wanted:
                    found[number] = home, article
                else:
                    nameless.append((home, article))
        untold = [number for number in numbers if number not in found] if nameless else []
        if len(numbers) > 1:
            return found | {number: one for each in untold for number, one in self.articles([each]).items()}
        return found | dict.fromkeys(untold, nameless[0]) if untold else found

    def stock_told(self, numbers: Sequence[str]) -> dict[str, tuple[str, codec.ArticleIdentity]]:
        """Return whether stock is kept for these articles, as it came, and what identifies each, by their numbers."""
        wanted = set(numbers)

        def ask(page: Sequence[str]) -> list[tuple[str, str, codec.ArticleIdentity]]:
            return codec.every_stock_told(self._products("articleNumbers", page, siblings=False))

        told = self._in_pages(self._named.all(ask, lambda one: one[:1]), numbers)
        return {number: (one, identity) for number, one, identity in told if number in wanted}

    def _asked(self, filter_name: str, numbers: Sequence[str], *, siblings: bool) -> list[Element]:
        def ask(page: Sequence[str]) -> list[Element]:
            return list(self._products(filter_name, page, siblings=siblings).iterfind(_PRODUCTS))

        names = _articles_of if filter_name == "articleNumbers" else lambda product: [_home(product)]
        return self._in_pages(self._named_products.all(ask, names), numbers)

    def _products(self, filter_name: str, page: Sequence[str], *, siblings: bool) -> Element:
        request = {filter_name: page, "pluNumbers": {}, "includeAllArticlesOfSelectedProducts": siblings}
        return self._client.read("getProducts", request=request)

    def _in_pages(self, ask: Callable[[Sequence[str]], list[T]], numbers: Sequence[str]) -> list[T]:
        return in_pages(ask, numbers, self._settings.page_articles, self._settings.in_flight)

    def changed(self, since: str) -> Batch:
        """Return one page of products changed after the marker `since`, keyed by product number.

        With an empty `since` nothing is read and the stamp is the till's present marker. The last page is an empty
        one: how full a limited answer is says nothing, since its limit counts articles and cuts between products.
        """
        if not since:
            return present_marker(self._client, "articleSyncMarker")
        seen = int(since)
        with expect_readable():
            found = self._since(seen + 1)
            page = page_after(found, seen, codec.change_marker, "getProducts")
            return replace(page, records=tuple(filter(None, (codec.if_readable(_mark, each) for each in found))))

    def _since(self, marker: int) -> list[Element]:
        """Return one page of the products with this change marker or a higher one; the lowest, not sorted.

        A limit of articles cuts between products: half of it gives the first of them, however many that are.
        """

        def ask(limit: int) -> list[Element]:
            request = {"pluNumbers": {}, "syncMarker": marker, "syncMarkerLimit": limit}
            found = list(self._client.read("getProducts", request=request).iterfind(_PRODUCTS))
            expect_once("getProducts", (codec.if_readable(codec.product_number, each) for each in found))
            return found

        def markers(found: Iterable[Element]) -> list[int | None]:
            return [codec.if_readable(codec.change_marker, each) for each in found]

        found = ask(self._settings.page_articles)
        self._lowest.expect("getProducts", markers(found), lambda limit: markers(ask(limit)))
        return found

    def calls(self, change: Change) -> int:
        """Return 1, one more for prices per branch, and where memberships are written by calls one more for each."""
        return self._calls(replace(change, wanted=without_branches(change.wanted))) + self._branch_prices.calls(change)

    def _calls(self, change: Change) -> int:
        if self._settings.membership == "product":
            return int(change.action is Action.CREATE or bool(change.wanted.values or change.wanted.parts))
        wanted = _codes(change.wanted) if "groups" in change.wanted.values else None
        before = _codes(change.before) if change.before else frozenset()
        memberships = 0 if wanted is None else len(wanted ^ before)
        beyond_groups = change.wanted.parts or change.wanted.values.keys() - {"groups"}
        return memberships + (1 if change.action is Action.CREATE or beyond_groups else 0)

    def write(self, change: Change, held: Held | None, references: References, token: str) -> Written:  # noqa: ARG002
        """Carry out one change and return the product's number, with the marker of the change if told.

        The numbers of articles are the key that keeps a product from being made twice, so `token` is not needed.
        """
        wanted = without_branches(change.wanted)
        if change.action is Action.CREATE or held is None:
            written = self._create(wanted, references)
            self._branch_prices.write(change, None)
            return written
        with self._turn(held.reference):
            written = self._update(wanted, held, references)
            self._branch_prices.write(change, held.original)
            return written

    def _turn(self, product: str) -> Lock:
        """Return what lets one write of a product end before the next reads it: written whole, it must be fresh."""
        return self._turns[int(product) % _TURNS]

    def switch_stock(self, product: str, number: str, *, managed: bool) -> None:
        """Write whether stock is kept for one article of a product.

        Raises RejectedError when the product no longer has it.
        """
        part = Record(Kind.ARTICLE, number, {"stock_managed": managed})
        edit = ElementEdit(Record(Kind.PRODUCT, product, {}, (part,)), self._words, {}, self._settings.leading_price)
        with self._turn(product):
            element = self.read("productNumbers", [product]).get(product)
            if element is None or number not in (
                codec.if_readable(codec.article_number, each) for each in codec.articles(element)
            ):
                raise RejectedError("target_record_missing")
            self._client.write_whole("updateProduct", codec.edited(element, edit)[0])

    def _create(self, wanted: Record, references: References) -> Written:
        numbers = [group_number(references, code) for code in sorted(_codes(wanted))]
        inside = numbers if self._settings.membership == "product" else []
        product = codec.encode_product(wanted, inside, self._types(wanted), self._words)
        answer = self._client.write("createProduct", product=product)
        written = Written(created_number(answer, "productNumber"), answer.findtext(qualified("syncMarker")) or "")
        if not inside:
            self._regroup("addProductsToArticleGroup", written.reference, numbers)
        return written

    def _update(self, wanted: Record, held: Held, references: References) -> Written:
        if not isinstance(held.original, Element):
            raise TypeError("a product that was not looked up here")
        _refuse_apart(wanted, held)
        now = self.read("productNumbers", [held.reference]).get(held.reference)
        expect_unmoved(now, held.original, codec.change_marker)
        join, leave = _memberships(wanted, held, references)
        inside = self._settings.membership == "product"
        edit = ElementEdit(
            wanted=wanted,
            words=self._words,
            types=self._types(wanted),
            leading_price=self._settings.leading_price,
            groups=(join, leave) if inside else (frozenset(), frozenset()),
        )
        element, touched = codec.edited(held.original, edit)
        marker = ""
        if touched:
            answer = self._client.write_whole("updateProduct", element)
            marker = answer.findtext(qualified("syncMarker")) or ""
        if not inside:
            self._regroup("addProductsToArticleGroup", held.reference, sorted(join))
            self._regroup("deleteProductsFromArticleGroup", held.reference, sorted(leave))
        return Written(held.reference, marker)

    def _regroup(self, operation: str, product: str, groups: Iterable[str]) -> None:
        """Let a product join groups or leave them, by a call for each."""
        for number in groups:
            request = {"groupNumber": number, "productNumbers": {"number": [product]}}
            self._client.write(operation, request=request)

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
            self._custom_types = self._fields.custom_types()
        return self._custom_types


_PRODUCTS = f"{qualified('productList')}/{qualified('product')}"


def _home(product: Element) -> str:
    """Return the number of a product; that of none where it cannot be read."""
    return codec.if_readable(codec.product_number, product) or "0"


def _articles_of(product: Element) -> list[str | None]:
    return [codec.if_readable(codec.article_number, each) for each in codec.articles(product)]


def _mark(element: Element) -> Record:
    parts = tuple(Record(Kind.ARTICLE, codec.article_number(each), {}) for each in codec.articles(element))
    return Record(Kind.PRODUCT, codec.product_number(element), {"marker": str(codec.change_marker(element))}, parts)


def _not_whole(key: str, part: Element) -> Held:
    """Return what is held of a product of which some articles alone are told: it is there, and cannot be read."""
    record = unreadable(Kind.PRODUCT, key, WrongValueError("articleList", ""), codec.raw_elements(part))
    return Held(record, _home(part), original=part)


class _Shelf:
    """Where the articles of the products that were read are; of those that do not say their number it is `unnamed`."""

    def __init__(self, products: Mapping[str, Element], unnamed: dict[str, str]) -> None:
        self._names = {
            number: (one.findtext(qualified("description")) or "").strip() for number, one in products.items()
        }
        articles = [
            (article, number, codec.external_id(each))
            for number, one in products.items()
            for each in codec.articles(one)
            if (article := codec.if_readable(codec.article_number, each))
        ]
        self._homes = {article: number for article, number, _ in articles} | unnamed
        self._codes = {article: code for article, _, code in articles} | dict.fromkeys(unnamed, "")
        self._marked = {code: number for number, code in self._codes.items() if code}

    def place(self, part: Record, linked: str) -> Location | None:
        """Return where an article is: under the number of its link, the wanted one, or any that bears its code.

        One that bears its code under the wanted number is the one, whatever is now under that of its link. What is
        linked is ours, whatever code it bears.
        """
        is_there = part.key in self._homes
        if linked in self._homes and not (is_there and self._codes[part.key] == part.source):
            number = linked
        else:
            number = part.key if is_there else self._marked.get(part.source, "")
        if not number:
            return None
        code = self._codes[number]
        home = self._homes[number]
        return Location(home, self._names[home], number, "" if number == linked or code == part.source else code)


def _chosen(products: Sequence[str], linked: str) -> str:
    """Return the linked product when it has any of the wanted articles or no other has, else the one with most."""
    count = Counter(products)
    if linked in count or not count:
        return linked
    return max(count, key=lambda number: (count[number], -int(number)))


def _codes(record: Record) -> frozenset[str]:
    groups = record.values.get("groups")
    return frozenset(groups) if isinstance(groups, tuple) else frozenset()


def _memberships(wanted: Record, held: Held, references: References) -> tuple[frozenset[str], frozenset[str]]:
    """Return the group numbers to join and to leave; groups we do not know stay as they are."""
    if "groups" not in wanted.values or same(wanted.values["groups"], held.record.values.get("groups")):
        return frozenset(), frozenset()
    before, after = _codes(held.record), _codes(wanted)
    join = frozenset(group_number(references, code) for code in after - before)
    return join, frozenset(group_number(references, code) for code in before - after)


def _refuse_apart(wanted: Record, held: Held) -> None:
    """Refuse to add an article that is in another product, or in this one under another number."""
    for part in wanted.parts:
        if part.key in held.elsewhere:
            issue = article_elsewhere_issue(part, wanted.key, held.elsewhere[part.key])
            raise RejectedError(issue.cause, **issue.facts)
