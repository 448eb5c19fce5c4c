"""Products with their articles as a target: found by article number, written as a whole."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import Any, TypeVar

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Client, Element, qualified
from integration.connectors.mplus.codec import ElementEdit, Vocabulary
from integration.connectors.mplus.fields import TillFields
from integration.connectors.mplus.groups import group_number
from integration.connectors.mplus.lists import ByNumbers, PartialLists, distinct_elements, unique_elements
from integration.connectors.mplus.pricing import BranchPrices, without_branches
from integration.connectors.mplus.settings import MplusSettings
from integration.connectors.mplus.target import (
    created_number,
    in_pages,
    page_after,
    present_marker,
    require_unchanged,
    till_numbers,
    translated_parse_errors,
)
from integration.connectors.parallel import portions
from integration.connectors.protocol import References
from integration.core.errors import RejectedError
from integration.core.issues import article_elsewhere_issue
from integration.core.plan import Action, Change
from integration.core.records import (
    Batch,
    CurrentRecord,
    Kind,
    Location,
    Record,
    WriteResult,
    WrongValueError,
    is_same_value,
    unreadable,
)

T = TypeVar("T")
_LOCK_COUNT = 64  # number of locks, shared by products whose numbers have the same remainder


class TillProducts:
    """The products of one installation."""

    def __init__(self, settings: MplusSettings, client: Client, fields: TillFields) -> None:
        self._settings = settings
        self._client = client
        self._fields = fields
        self._words = Vocabulary(settings.retire_with, settings.discounts_in == "hundredths")
        self._branch_prices = BranchPrices(settings, client)
        self._custom_types: Mapping[str, str] | None = None
        self._partial_lists = PartialLists()
        self._article_completer: ByNumbers[tuple[str, str, codec.ArticleIdentity]] = ByNumbers()
        self._product_completer = ByNumbers[Element](lambda product: len(codec.articles(product)))
        self._write_locks = [Lock() for _ in range(_LOCK_COUNT)]

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        """Return the till's current products, found by the numbers of their articles, then by their link.

        If the wanted articles are in several products, the linked product is returned, otherwise the one with most of
        them. `CurrentRecord.elsewhere` has the articles in other products, and a write that needs them is refused.
        """
        with translated_parse_errors():
            return self._current_products(records, references)

    def _current_products(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        parts = [part for record in records for part in record.parts]
        linked_articles = {
            part.source: references.reference(Kind.ARTICLE, part.source) or "" for part in parts if part.source
        }
        linked = {record.key: references.reference(Kind.PRODUCT, record.key) or "" for record in records}
        numbers = till_numbers([*(part.key for part in parts), *linked_articles.values()])
        products = self.read("articleNumbers", numbers)
        unnamed = self._unnumbered_articles(products, numbers)
        products |= self.read(
            "productNumbers", till_numbers(number for number in linked.values() if number not in products)
        )
        shelf, lines = _ArticleLocations(products, unnamed), self._branch_prices.lines(records)
        current = {}
        for record in records:
            places = {part.key: shelf.place(part, linked_articles.get(part.source, "")) for part in record.parts}
            number = _choose_product([place.reference for place in places.values() if place], linked[record.key])
            if number in products:
                apart = {
                    key: place
                    for key, place in places.items()
                    if place and (place.reference, place.number) != (number, key)
                }
                now = self._current_product(products[number], record.key, apart, references)
                current[record.key] = self._with_branch_prices(record, now, lines)
            elif len(records) == 1 and (part := self._read_incomplete(linked[record.key], places)) is not None:
                current[record.key] = _incomplete_product(record.key, part)
        return current

    def _with_branch_prices(
        self, desired: Record, current: CurrentRecord, lines: Mapping[tuple[str, str], Element]
    ) -> CurrentRecord:
        try:
            record = self._branch_prices.with_branch_prices(desired, current.record, lines)
        except WrongValueError as error:
            record = unreadable(Kind.PRODUCT, desired.key, error, "")
        return replace(current, record=record)

    def _read_incomplete(self, product: str, articles: Iterable[str]) -> Element | None:
        """Return a product with one of these articles, if the till returns the product only incompletely."""
        for number in till_numbers(articles) if product else ():
            for element in self._read_products("articleNumbers", [number], siblings=False):
                if _number_of(element) == product:
                    return element
        return None

    def _unnumbered_articles(self, products: Mapping[str, Element], numbers: Sequence[str]) -> dict[str, str]:
        """Return the product of each article without a readable number, by the number that finds it when read alone."""
        article_numbers = {name for product in products.values() for name in _articles_of(product)}
        if None not in article_numbers:
            return {}
        return {
            number: home
            for number in numbers
            if number not in article_numbers
            for home, product in self.read("articleNumbers", [number]).items()
            if None in _articles_of(product)
        }

    def _current_product(
        self, element: Element, key: str, apart: Mapping[str, Location], references: References
    ) -> CurrentRecord:
        number = _number_of(element)
        try:
            codec.product_number(element)
            record = codec.decode_product(element, key, partial(references.key, Kind.GROUP), self._words)
            marker = str(codec.change_marker(element))
        except WrongValueError as error:
            return CurrentRecord(
                unreadable(Kind.PRODUCT, key, error, codec.raw_elements(element)), number, original=element
            )
        return CurrentRecord(record, number, marker, original=element, elsewhere=apart)

    def read(self, filter_name: str, numbers: Sequence[str]) -> dict[str, Element]:
        """Return products with all their articles by their numbers, read in parallel pages."""
        return {_number_of(element): element for element in self._read_products(filter_name, numbers, siblings=True)}

    def articles(self, numbers: Sequence[str]) -> dict[str, tuple[str, Element]]:
        """Return articles by their numbers, each with the number of its product.

        An article without a readable or wanted number is assigned to the number it answers to when read alone.
        """
        requested_numbers = set(numbers)
        articles_by_number: dict[str, list[tuple[str, Element]]] = {}
        nameless: list[tuple[str, Element]] = []
        for product in self._read_products("articleNumbers", numbers, siblings=False):
            home = _number_of(product)
            for article in codec.articles(product):
                number = codec.if_readable(codec.article_number, article)
                if number in requested_numbers:
                    articles_by_number.setdefault(number, []).append((home, article))
                else:
                    nameless.append((home, article))
        missing_numbers = [number for number in numbers if number not in articles_by_number] if nameless else []
        for copies in articles_by_number.values():
            if len(copies) > 1:  # marks articles that differ
                distinct_elements([article for _, article in copies], partial(codec.if_readable, codec.article_number))
        first_articles = {number: copies[0] for number, copies in articles_by_number.items()}
        if len(numbers) > 1:
            return first_articles | {
                number: located_article
                for missing_number in missing_numbers
                for number, located_article in self.articles([missing_number]).items()
            }
        return first_articles | dict.fromkeys(missing_numbers, nameless[0]) if missing_numbers else first_articles

    def stock_settings_of(self, numbers: Sequence[str]) -> dict[str, tuple[str, codec.ArticleIdentity]]:
        """Return the raw stock setting and the identity of these articles, by their numbers.

        An article that the till has with several settings or identities is left out.
        """
        requested_numbers = set(numbers)

        def ask(page: Sequence[str]) -> list[tuple[str, str, codec.ArticleIdentity]]:
            return codec.stock_settings(self._products("articleNumbers", page, siblings=False))

        rows = self._in_pages(self._article_completer.ask_all(ask, lambda row: row[:1]), numbers)
        settings: dict[str, set[tuple[str, codec.ArticleIdentity]]] = defaultdict(set)
        for number, setting, identity in rows:
            settings[number].add((setting, identity))
        return {
            number: setting
            for number, (setting, *others) in settings.items()
            if number in requested_numbers and not others
        }

    def stock_reads(self, numbers: Sequence[str]) -> list[tuple[str, Mapping[str, Any]]]:
        """Return the reads of `stock_settings_of` for these articles, as operation and content."""
        pages = portions(numbers, self._settings.page_articles)
        return [("getProducts", _products_request("articleNumbers", page, siblings=False)) for page in pages]

    def _read_products(self, filter_name: str, numbers: Sequence[str], *, siblings: bool) -> list[Element]:
        def ask(page: Sequence[str]) -> list[Element]:
            return _unique_products(self._products(filter_name, page, siblings=siblings))

        names = _articles_of if filter_name == "articleNumbers" else lambda product: [_number_of(product)]
        return self._in_pages(self._product_completer.ask_all(ask, names), numbers)

    def _products(self, filter_name: str, page: Sequence[str], *, siblings: bool) -> Element:
        return self._client.read("getProducts", **_products_request(filter_name, page, siblings=siblings))

    def _in_pages(self, ask: Callable[[Sequence[str]], list[T]], numbers: Sequence[str]) -> list[T]:
        return in_pages(ask, numbers, self._settings.page_articles, self._settings.in_flight)

    def read_changes(self, since: str) -> Batch:
        """Return one page of products changed after the marker `since`, keyed by product number.

        With an empty `since` nothing is read and the stamp is the till's present marker. Only an empty page is the
        last: a page below the limit proves nothing, since the limit counts articles and pages end between products.
        """
        if not since:
            return present_marker(self._client, "articleSyncMarker")
        since_marker = int(since)
        with translated_parse_errors():
            elements = self._changed_since(since_marker + 1)
            page = page_after(elements, since_marker, codec.change_marker, "getProducts")
            return replace(
                page, records=tuple(filter(None, (codec.if_readable(_mark, element) for element in elements)))
            )

    def _changed_since(self, marker: int) -> list[Element]:
        """Return one page of the products from this change marker on: the lowest markers, unsorted.

        A limit of articles cuts between products: half of the limit returns the first of them, however many that are.
        """

        def ask(limit: int) -> list[Element]:
            request = {"pluNumbers": {}, "syncMarker": marker, "syncMarkerLimit": limit}
            return _unique_products(self._client.read("getProducts", request=request))

        def markers(elements: Iterable[Element]) -> list[int | None]:
            return [codec.if_readable(codec.change_marker, element) for element in elements]

        elements = ask(self._settings.page_articles)
        self._partial_lists.require_lowest("getProducts", markers(elements), lambda limit: markers(ask(limit)))
        return elements

    def calls(self, change: Change) -> int:
        """Return 1, plus 1 for prices per branch, plus 1 for each membership if memberships are separate calls."""
        return self._calls(replace(change, desired=without_branches(change.desired))) + self._branch_prices.calls(
            change
        )

    def _calls(self, change: Change) -> int:
        if self._settings.membership == "product":
            return int(change.action is Action.CREATE or bool(change.desired.values or change.desired.parts))
        after = _codes(change.desired) if "groups" in change.desired.values else None
        before = _codes(change.before) if change.before else frozenset()
        memberships = 0 if after is None else len(after ^ before)
        beyond_groups = change.desired.parts or change.desired.values.keys() - {"groups"}
        return memberships + (1 if change.action is Action.CREATE or beyond_groups else 0)

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:  # noqa: ARG002
        """Carry out one change and return the product's number, with the marker of the change if the answer has it.

        The article numbers already prevent a second product, so `token` is not needed.
        """
        desired = without_branches(change.desired)
        if change.action is Action.CREATE or current is None:
            result = self._create(desired, references)
            self._branch_prices.write(change, None)
            return result
        with self._write_lock(current.reference):
            result = self._update(desired, current, references)
            self._branch_prices.write(change, current.original)
            return result

    def _write_lock(self, product: str) -> Lock:
        """Return the lock of a product: a product is written as a whole, so writes must not overlap."""
        return self._write_locks[int(product) % _LOCK_COUNT]

    def require_storable(self, change: Change) -> None:
        """Raise UnfitError or CustomFieldUnknownError for a value that cannot be written."""
        desired = without_branches(change.desired)
        codec.encode_product(desired, (), self._types(desired), self._words)

    def switch_stock(self, product: str, number: str, *, managed: bool) -> None:
        """Write whether stock is managed for one article of a product.

        Raises RejectedError when the product no longer has the article.
        """
        part = Record(Kind.ARTICLE, number, {"stock_managed": managed})
        edit = ElementEdit(Record(Kind.PRODUCT, product, {}, (part,)), self._words, {}, self._settings.leading_price)
        with self._write_lock(product):
            element = self.read("productNumbers", [product]).get(product)
            if element is None or number not in (
                codec.if_readable(codec.article_number, article) for article in codec.articles(element)
            ):
                raise RejectedError("target_record_missing")
            self._client.write_whole("updateProduct", codec.edited(element, edit)[0])

    def _create(self, desired: Record, references: References) -> WriteResult:
        numbers = [group_number(references, code) for code in sorted(_codes(desired))]
        inside = numbers if self._settings.membership == "product" else []
        product = codec.encode_product(desired, inside, self._types(desired), self._words)
        answer = self._client.write("createProduct", product=product)
        result = WriteResult(created_number(answer, "productNumber"), answer.findtext(qualified("syncMarker")) or "")
        if not inside:
            self._regroup("addProductsToArticleGroup", result.reference, numbers)
        return result

    def _update(self, desired: Record, current: CurrentRecord, references: References) -> WriteResult:
        if not isinstance(current.original, Element):
            raise TypeError("a product that was not looked up here")
        _require_no_article_elsewhere(desired, current)
        now = self.read("productNumbers", [current.reference]).get(current.reference)
        require_unchanged(now, current.original, codec.change_marker)
        join, leave = _memberships(desired, current, references)
        inside = self._settings.membership == "product"
        edit = ElementEdit(
            desired=desired,
            words=self._words,
            types=self._types(desired),
            leading_price=self._settings.leading_price,
            groups=(join, leave) if inside else (frozenset(), frozenset()),
        )
        element, touched = codec.edited(current.original, edit)
        marker = ""
        if touched:
            answer = self._client.write_whole("updateProduct", element)
            marker = answer.findtext(qualified("syncMarker")) or ""
        if not inside:
            self._regroup("addProductsToArticleGroup", current.reference, sorted(join))
            self._regroup("deleteProductsFromArticleGroup", current.reference, sorted(leave))
        return WriteResult(current.reference, marker)

    def _regroup(self, operation: str, product: str, groups: Iterable[str]) -> None:
        """Add a product to groups or remove it from them, with one call per group."""
        for number in groups:
            request = {"groupNumber": number, "productNumbers": {"number": [product]}}
            self._client.write(operation, request=request)

    def _types(self, desired: Record) -> Mapping[str, str]:
        """Return the till's custom fields, read only if one of them is to be written."""
        names = {
            name.removeprefix(codec.CUSTOM)
            for part in desired.parts
            for name in part.values
            if name.startswith(codec.CUSTOM)
        }
        if not names:
            return {}
        if self._custom_types is None or not names <= self._custom_types.keys():
            self._custom_types = self._fields.custom_types()
        return self._custom_types


_PRODUCTS = f"{qualified('productList')}/{qualified('product')}"


def _products_request(filter_name: str, page: Sequence[str], *, siblings: bool) -> dict[str, Any]:
    return {"request": {filter_name: page, "pluNumbers": {}, "includeAllArticlesOfSelectedProducts": siblings}}


def _unique_products(answer: Element) -> list[Element]:
    return unique_elements(answer.iterfind(_PRODUCTS), partial(codec.if_readable, codec.product_number))


def _number_of(product: Element) -> str:
    """Return the number of a product, "0" if it is unreadable."""
    return codec.if_readable(codec.product_number, product) or "0"


def _articles_of(product: Element) -> list[str | None]:
    return [codec.if_readable(codec.article_number, article) for article in codec.articles(product)]


def _mark(element: Element) -> Record:
    parts = tuple(Record(Kind.ARTICLE, codec.article_number(article), {}) for article in codec.articles(element))
    return Record(Kind.PRODUCT, codec.product_number(element), {"marker": str(codec.change_marker(element))}, parts)


def _incomplete_product(key: str, part: Element) -> CurrentRecord:
    """Return an unreadable product: the till returned only some of its articles."""
    record = unreadable(Kind.PRODUCT, key, WrongValueError("articleList", ""), codec.raw_elements(part))
    return CurrentRecord(record, _number_of(part), original=part)


class _ArticleLocations:
    """Locations of the articles in the products read; `unnamed` has those of articles without a readable number."""

    def __init__(self, products: Mapping[str, Element], unnamed: dict[str, str]) -> None:
        self._names = {
            number: (product.findtext(qualified("description")) or "").strip() for number, product in products.items()
        }
        articles = [
            (article, number, codec.external_id(element))
            for number, product in products.items()
            for element in codec.articles(product)
            if (article := codec.if_readable(codec.article_number, element))
        ]
        self._product_numbers = {article: number for article, number, _ in articles} | unnamed
        self._codes = {article: code for article, _, code in articles} | dict.fromkeys(unnamed, "")
        self._numbers_by_code = {code: number for number, code in self._codes.items() if code}

    def place(self, part: Record, linked: str) -> Location | None:
        """Return the location of an article: by its linked number, its wanted number, or its code.

        An article with the wanted number and the right code takes precedence over the linked number. A linked article
        is ours, whatever its code is.
        """
        is_there = part.key in self._product_numbers
        if linked in self._product_numbers and not (is_there and self._codes[part.key] == part.source):
            number = linked
        else:
            number = part.key if is_there else self._numbers_by_code.get(part.source, "")
        if not number:
            return None
        code = self._codes[number]
        home = self._product_numbers[number]
        return Location(home, self._names[home], number, "" if number == linked or code == part.source else code)


def _choose_product(products: Sequence[str], linked: str) -> str:
    """Return the linked product if it or no product has requested articles; otherwise the product with most."""
    count = Counter(products)
    if linked in count or not count:
        return linked
    return max(count, key=lambda number: (count[number], -int(number)))


def _codes(record: Record) -> frozenset[str]:
    groups = record.values.get("groups")
    return frozenset(groups) if isinstance(groups, tuple) else frozenset()


def _memberships(
    desired: Record, current: CurrentRecord, references: References
) -> tuple[frozenset[str], frozenset[str]]:
    """Return the group numbers to join and to leave; unknown groups are not changed."""
    if "groups" not in desired.values or is_same_value(desired.values["groups"], current.record.values.get("groups")):
        return frozenset(), frozenset()
    before, after = _codes(current.record), _codes(desired)
    join = frozenset(group_number(references, code) for code in after - before)
    return join, frozenset(group_number(references, code) for code in before - after)


def _require_no_article_elsewhere(desired: Record, current: CurrentRecord) -> None:
    """Raise RejectedError if an article to write is in another product, or in this one under another number."""
    for part in desired.parts:
        if part.key in current.elsewhere:
            issue = article_elsewhere_issue(part, desired.key, current.elsewhere[part.key])
            raise RejectedError(issue.cause, **issue.facts)
