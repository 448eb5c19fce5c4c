"""Products with their articles as a target: found by article number, written as a whole."""

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
    in_pages,
    page_after,
    present_marker,
    require_unchanged,
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
    WriteResult,
    WrongValueError,
    same,
    unreadable,
)

T = TypeVar("T")
_TURNS = 64  # number of locks, shared by products whose numbers have the same remainder


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
        """Return the till's current products, found by the numbers of their articles, then by their link.

        If the wanted articles are in several products, the linked product is returned, otherwise the one with most of
        them. `Held.elsewhere` has the articles in other products, and a write that needs them is refused.
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
                held[record.key] = replace(
                    now, record=self._branch_prices.with_branch_prices(record, now.record, lines)
                )
            elif len(wanted) == 1 and (part := self._part_of(linked[record.key], places)) is not None:
                held[record.key] = _not_whole(record.key, part)
        return held

    def _part_of(self, product: str, articles: Iterable[str]) -> Element | None:
        """Return a product with one of these articles, if the till returns the product only incompletely."""
        for number in till_numbers(articles) if product else ():
            for each in self._asked("articleNumbers", [number], siblings=False):
                if _home(each) == product:
                    return each
        return None

    def _unnamed(self, found: Mapping[str, Element], numbers: Sequence[str]) -> dict[str, str]:
        """Return the product of each article without a readable number, by the number it answers to when read alone."""
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
        """Return products with all their articles by their numbers, read in parallel pages."""
        return {_home(element): element for element in self._asked(filter_name, numbers, siblings=True)}

    def articles(self, numbers: Sequence[str]) -> dict[str, tuple[str, Element]]:
        """Return articles by their numbers, each with the number of its product.

        An article without a readable or wanted number is assigned to the number it answers to when read alone.
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
        """Return the raw stock setting and the identity of these articles, by their numbers."""
        wanted = set(numbers)

        def ask(page: Sequence[str]) -> list[tuple[str, str, codec.ArticleIdentity]]:
            return codec.stock_settings(self._products("articleNumbers", page, siblings=False))

        told = self._in_pages(self._named.ask_all(ask, lambda one: one[:1]), numbers)
        return {number: (one, identity) for number, one, identity in told if number in wanted}

    def _asked(self, filter_name: str, numbers: Sequence[str], *, siblings: bool) -> list[Element]:
        def ask(page: Sequence[str]) -> list[Element]:
            return list(self._products(filter_name, page, siblings=siblings).iterfind(_PRODUCTS))

        names = _articles_of if filter_name == "articleNumbers" else lambda product: [_home(product)]
        return self._in_pages(self._named_products.ask_all(ask, names), numbers)

    def _products(self, filter_name: str, page: Sequence[str], *, siblings: bool) -> Element:
        request = {filter_name: page, "pluNumbers": {}, "includeAllArticlesOfSelectedProducts": siblings}
        return self._client.read("getProducts", request=request)

    def _in_pages(self, ask: Callable[[Sequence[str]], list[T]], numbers: Sequence[str]) -> list[T]:
        return in_pages(ask, numbers, self._settings.page_articles, self._settings.in_flight)

    def changed(self, since: str) -> Batch:
        """Return one page of products changed after the marker `since`, keyed by product number.

        With an empty `since` nothing is read and the stamp is the till's present marker. Only an empty page is the
        last: a page below the limit proves nothing, since the limit counts articles and pages end between products.
        """
        if not since:
            return present_marker(self._client, "articleSyncMarker")
        seen = int(since)
        with expect_readable():
            found = self._since(seen + 1)
            page = page_after(found, seen, codec.change_marker, "getProducts")
            return replace(page, records=tuple(filter(None, (codec.if_readable(_mark, each) for each in found))))

    def _since(self, marker: int) -> list[Element]:
        """Return one page of the products from this change marker on: the lowest markers, unsorted.

        A limit of articles cuts between products: half of the limit returns the first of them, however many that are.
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
        """Return 1, plus 1 for prices per branch, plus 1 for each membership if memberships are separate calls."""
        return self._calls(replace(change, wanted=without_branches(change.wanted))) + self._branch_prices.calls(change)

    def _calls(self, change: Change) -> int:
        if self._settings.membership == "product":
            return int(change.action is Action.CREATE or bool(change.wanted.values or change.wanted.parts))
        wanted = _codes(change.wanted) if "groups" in change.wanted.values else None
        before = _codes(change.before) if change.before else frozenset()
        memberships = 0 if wanted is None else len(wanted ^ before)
        beyond_groups = change.wanted.parts or change.wanted.values.keys() - {"groups"}
        return memberships + (1 if change.action is Action.CREATE or beyond_groups else 0)

    def write(self, change: Change, held: Held | None, references: References, token: str) -> WriteResult:  # noqa: ARG002
        """Carry out one change and return the product's number, with the marker of the change if the answer has it.

        The article numbers already prevent a second product, so `token` is not needed.
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
        """Return the lock of a product: a product is written as a whole, so writes must not overlap."""
        return self._turns[int(product) % _TURNS]

    def switch_stock(self, product: str, number: str, *, managed: bool) -> None:
        """Write whether stock is managed for one article of a product.

        Raises RejectedError when the product no longer has the article.
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

    def _create(self, wanted: Record, references: References) -> WriteResult:
        numbers = [group_number(references, code) for code in sorted(_codes(wanted))]
        inside = numbers if self._settings.membership == "product" else []
        product = codec.encode_product(wanted, inside, self._types(wanted), self._words)
        answer = self._client.write("createProduct", product=product)
        written = WriteResult(created_number(answer, "productNumber"), answer.findtext(qualified("syncMarker")) or "")
        if not inside:
            self._regroup("addProductsToArticleGroup", written.reference, numbers)
        return written

    def _update(self, wanted: Record, held: Held, references: References) -> WriteResult:
        if not isinstance(held.original, Element):
            raise TypeError("a product that was not looked up here")
        _refuse_apart(wanted, held)
        now = self.read("productNumbers", [held.reference]).get(held.reference)
        require_unchanged(now, held.original, codec.change_marker)
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
        return WriteResult(held.reference, marker)

    def _regroup(self, operation: str, product: str, groups: Iterable[str]) -> None:
        """Add a product to groups or remove it from them, with one call per group."""
        for number in groups:
            request = {"groupNumber": number, "productNumbers": {"number": [product]}}
            self._client.write(operation, request=request)

    def _types(self, wanted: Record) -> Mapping[str, str]:
        """Return the till's custom fields, read only if one of them is to be written."""
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
    """Return the number of a product, "0" if it is unreadable."""
    return codec.if_readable(codec.product_number, product) or "0"


def _articles_of(product: Element) -> list[str | None]:
    return [codec.if_readable(codec.article_number, each) for each in codec.articles(product)]


def _mark(element: Element) -> Record:
    parts = tuple(Record(Kind.ARTICLE, codec.article_number(each), {}) for each in codec.articles(element))
    return Record(Kind.PRODUCT, codec.product_number(element), {"marker": str(codec.change_marker(element))}, parts)


def _not_whole(key: str, part: Element) -> Held:
    """Return an unreadable product: the till returned only some of its articles."""
    record = unreadable(Kind.PRODUCT, key, WrongValueError("articleList", ""), codec.raw_elements(part))
    return Held(record, _home(part), original=part)


class _Shelf:
    """Locations of the articles in the products read; `unnamed` has those of articles without a readable number."""

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
        """Return the location of an article: by its linked number, its wanted number, or its code.

        An article with the wanted number and the right code takes precedence over the linked number. A linked article
        is ours, whatever its code is.
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
    """Return the linked product if it has a wanted article or no other product has; otherwise the one with most."""
    count = Counter(products)
    if linked in count or not count:
        return linked
    return max(count, key=lambda number: (count[number], -int(number)))


def _codes(record: Record) -> frozenset[str]:
    groups = record.values.get("groups")
    return frozenset(groups) if isinstance(groups, tuple) else frozenset()


def _memberships(wanted: Record, held: Held, references: References) -> tuple[frozenset[str], frozenset[str]]:
    """Return the group numbers to join and to leave; unknown groups stay as they are."""
    if "groups" not in wanted.values or same(wanted.values["groups"], held.record.values.get("groups")):
        return frozenset(), frozenset()
    before, after = _codes(held.record), _codes(wanted)
    join = frozenset(group_number(references, code) for code in after - before)
    return join, frozenset(group_number(references, code) for code in before - after)


def _refuse_apart(wanted: Record, held: Held) -> None:
    """Raise RejectedError if an article to write is in another product, or in this one under another number."""
    for part in wanted.parts:
        if part.key in held.elsewhere:
            issue = article_elsewhere_issue(part, wanted.key, held.elsewhere[part.key])
            raise RejectedError(issue.cause, **issue.facts)
