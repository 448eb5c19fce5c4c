"""Prices per branch, written beside their article, and the till's own calculation of customer prices."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial

from lxml import etree

from integration.connectors.mplus import codec
from integration.connectors.mplus.branches import read_branches
from integration.connectors.mplus.client import Client, Element, qualified, require_shape
from integration.connectors.mplus.lists import unique_elements
from integration.connectors.mplus.settings import MplusSettings
from integration.connectors.mplus.target import in_pages, till_numbers
from integration.connectors.parallel import run_parallel
from integration.core.errors import IntegrationError, MalformedAnswerError, RejectedError
from integration.core.money import amount
from integration.core.plan import Change
from integration.core.prices import PriceQuery, PriceScope, PriceTerm, PriceType, TillPrice, term_of, terms_in
from integration.core.records import Record, Value, WrongValueError

_LINES = "articleBranchDeviationLines"
_PRICES: Mapping[PriceType, str] = {PriceType.INCL: "salesPriceIncl", PriceType.EXCL: "salesPriceExcl"}
_ORDER = (
    "articleNumber", "branchNumber", "description", "salesPriceIncl", "salesPriceExcl", "specialPrice",
    "oldestBestBeforeDate",
)  # fmt: skip

Place = tuple[str, str]  # article and branch number
_ANYWHERE: Place = ("", "")  # place of a line without readable numbers


def branch_terms(part: Record) -> dict[PriceTerm, Value]:
    """Return the prices per branch among the values of an article."""
    return {term: value for term, value in terms_in(part.values).items() if term.scope is PriceScope.BRANCH}


def without_branches(record: Record) -> Record:
    """Return a product without its prices per branch, and without articles that have no other values."""
    if not any(":" in name for part in record.parts for name in part.values):
        return record
    remaining_parts = (
        (part, {name: value for name, value in part.values.items() if ":" not in name or not _is_of_branch(name)})
        for part in record.parts
    )
    return replace(
        record,
        parts=tuple(replace(part, values=values) for part, values in remaining_parts if values or not part.values),
    )


def _is_of_branch(name: str) -> bool:
    term = term_of(name)
    return term is not None and term.scope is PriceScope.BRANCH


class BranchPrices:
    """The prices per branch of one installation."""

    def __init__(self, settings: MplusSettings, client: Client) -> None:
        self._settings = settings
        self._client = client

    def with_branch_prices(self, desired: Record, current: Record, lines: Mapping[Place, Element]) -> Record:
        """Return the held product with the prices per branch of the wanted articles, None where a branch has none.

        Raises WrongValueError for an unreadable line that is, or may be, one of these.
        """
        terms_by_article = {part.key: branch_terms(part) for part in desired.parts}
        parts = tuple(
            replace(part, values={**part.values, **_branch_prices(part.key, terms_by_article.get(part.key, {}), lines)})
            for part in current.parts
        )
        return replace(current, parts=parts)

    def lines(self, records: Sequence[Record]) -> dict[Place, Element]:
        """Return the price lines of all wanted articles with prices per branch; makes no call if there are none."""
        parts = [part for record in records for part in record.parts if branch_terms(part)]
        return self._lines(till_numbers(part.key for part in parts))

    def _lines(self, numbers: Sequence[str]) -> dict[Place, Element]:
        def ask(page: Sequence[str]) -> list[Element]:
            request = {"articleNumbers": {"articleNumbers": page}}
            return list(self._client.read("getArticleBranchDeviations", request=request).iterfind(qualified(_LINES)))

        price_lines = in_pages(ask, numbers, self._settings.page_articles, self._settings.in_flight) if numbers else []
        return {_place(line) or _ANYWHERE: line for line in unique_elements(price_lines, _place_text)}

    def calls(self, change: Change) -> int:
        """Return 1 where a change has prices per branch, otherwise 0."""
        return int(any(branch_terms(part) for part in change.desired.parts))

    def write(self, change: Change, original: object) -> None:
        """Write the prices per branch of a change, each as an edit of the existing line.

        Raises RejectedError `price_outside_range`, with the allowed range, where the till refuses a price.
        """
        terms_by_article = {part.key: terms for part in change.desired.parts if (terms := branch_terms(part))}
        if not terms_by_article:
            return
        existing_lines = self._lines(till_numbers(terms_by_article))
        request = etree.Element(qualified("request"))
        for number, terms in terms_by_article.items():
            for branch in dict.fromkeys(term.number for term in terms):
                _require_known((number, branch), existing_lines)
                line = (
                    deepcopy(existing_lines[number, branch])
                    if (number, branch) in existing_lines
                    else _new_line(number, branch)
                )
                for term, value in terms.items():
                    if term.number == branch:
                        _put(line, term, value)
                request.append(line)
        try:
            self._client.write_whole("saveArticleBranchDeviations", request)
        except RejectedError as error:
            refusal = RejectedError(error.code, **{**error.facts, **_range(terms_by_article, original)})
        else:
            return
        raise refusal


def _place(line: Element) -> Place | None:
    """Return the article and branch of a line, None if they are unreadable."""
    numbers = [codec.if_readable(partial(_number, wire=wire), line) for wire in ("articleNumber", "branchNumber")]
    return None if None in numbers else (str(numbers[0]), str(numbers[1]))


def _number(line: Element, wire: str) -> int:
    """Return the number in the only child with this name. Raises WrongValueError."""
    if len(list(line.iterchildren(qualified(wire)))) != 1:
        raise WrongValueError(wire, "")
    return codec.required_integer(line, wire)


def _place_text(line: Element) -> str | None:
    place = _place(line)
    return None if place is None else "/".join(place)


def _readable_line(place: Place, lines: Mapping[Place, Element]) -> Element | None:
    """Return the line of an article in a branch, None without one.

    Raises WrongValueError for an unreadable line, also for one without a readable place, which may be the wanted one.
    """
    line = lines.get(place)
    for candidate in (lines.get(_ANYWHERE), line):
        if candidate is None:
            continue
        require_shape(candidate, "ArticleBranchDeviationLine")
        for wire in ("articleNumber", "branchNumber"):
            codec.required_integer(candidate, wire)
        for wire in _PRICES.values():
            _price_in(candidate, wire)
    return line


def _price_in(line: Element, wire: str) -> Value:
    """Return a price of a line, None without one. Raises WrongValueError."""
    text = (line.findtext(qualified(wire)) or "").strip()
    try:
        return amount(text) if text else None
    except (ValueError, ArithmeticError):
        raise WrongValueError(wire, text) from None


def _require_known(place: Place, lines: Mapping[Place, Element]) -> None:
    """Raise RejectedError if a line has become unreadable since it was compared: it cannot be edited."""
    try:
        _readable_line(place, lines)
    except WrongValueError:
        failure = RejectedError("target_changed_since_plan")
    else:
        return
    raise failure


def _branch_prices(number: str, terms: Mapping[PriceTerm, Value], lines: Mapping[Place, Element]) -> dict[str, Value]:
    prices: dict[str, Value] = {}
    for term in terms:
        line = _readable_line((number, term.number), lines)
        prices[term.name] = None if line is None else _price_in(line, _PRICES[term.price_type])
    return prices


def _new_line(number: str, branch: str) -> Element:
    line = etree.Element(qualified(_LINES))
    etree.SubElement(line, qualified("articleNumber")).text = number
    etree.SubElement(line, qualified("branchNumber")).text = branch
    return line


def _put(line: Element, term: PriceTerm, value: Value) -> None:
    """Write a price and remove the other one, which the till computes from it."""
    for wire in _PRICES.values():
        for child in list(line.iterfind(qualified(wire))):
            line.remove(child)
    if value is None:
        return
    if not isinstance(value, Decimal):
        raise codec.UnfitError(term.name, value)
    before = {qualified(wire) for wire in _ORDER[: _ORDER.index(_PRICES[term.price_type])]}
    fresh = etree.Element(qualified(_PRICES[term.price_type]))
    fresh.text = f"{amount(value):f}"
    line.insert(sum(child.tag in before for child in line), fresh)


def _range(terms_by_article: Mapping[str, Mapping[PriceTerm, Value]], original: object) -> dict[str, str]:
    """Return the allowed price range of the refused articles, as the till states it, and the wanted prices."""
    cards = codec.articles(original) if isinstance(original, Element) else []
    limits = {
        codec.article_number(card): tuple(
            (card.findtext(qualified(wire)) or "").strip() for wire in ("priceDeviationMin", "priceDeviationMax")
        )
        for card in cards
    }
    known_limits = [limits[number] for number in terms_by_article if number in limits]
    prices = [
        f"{value:f}" for terms in terms_by_article.values() for value in terms.values() if isinstance(value, Decimal)
    ]
    branches = dict.fromkeys(term.number for terms in terms_by_article.values() for term in terms)
    return {
        "price": ", ".join(prices),
        "branch": ", ".join(branches),
        "lowest": ", ".join(low for low, _ in known_limits if low),
        "highest": ", ".join(high for _, high in known_limits if high),
    }


# ---- the till's own price calculation


class TillPricing:
    """Calculates customer prices with a call that the vendor marks as experimental; not every installation has it."""

    def __init__(self, settings: MplusSettings, client: Client) -> None:
        self._settings = settings
        self._client = client
        self._workplaces: dict[str, str] = {}

    def answers(self) -> bool:
        """Return True if the settings allow the call and this installation answers it; tried without an article."""
        if not self._settings.determine_pricing:
            return False
        places = self._places()
        if not places:
            return False
        try:
            self._client.read("determinePricing", request=_request(next(iter(places.items())), "", (), None))
        except (RejectedError, MalformedAnswerError):
            return False
        return True

    def till_prices(self, queries: Sequence[PriceQuery]) -> list[TillPrice | None]:
        """Return the price of each charge, in the order asked; None where the till gives no price.

        Each query is a call of its own, because a till may combine what is bought together.
        """
        answers = run_parallel(self._query_price, queries, self._settings.in_flight)
        for answer in answers:
            if isinstance(answer, IntegrationError):
                raise answer
        return [None if isinstance(answer, IntegrationError) else answer for answer in answers]

    def _query_price(self, query: PriceQuery) -> TillPrice | None:
        place = self._places().get(query.branch)
        if place is None:
            return None
        try:
            lines = ((query.article, query.quantity),)
            request = _request((query.branch, place), query.customer, lines, query.day)
            answer = self._client.read("determinePricing", request=request)
        except RejectedError as error:
            if error.code == "operation_unknown":
                raise
            return None
        line = answer.find(qualified("lines"))
        if line is None:
            return None
        amounts = {wire: (line.findtext(qualified(wire)) or "").strip() for wire in ("amount", "amountExcl")}
        try:
            by = codec.plain_word((line.findtext(qualified("discountType")) or "").strip()).lower()
            return TillPrice(amount(amounts["amount"]), amount(amounts["amountExcl"]), by)
        except ValueError:
            return None

    def _places(self) -> Mapping[str, str]:
        """Return the first workplace of each readable branch."""
        if not self._workplaces:
            self._workplaces = {
                branch.number: next(iter(branch.workplaces))
                for branch in read_branches(self._client)
                if branch.error is None and branch.workplaces
            }
        return self._workplaces


def _request(
    place: tuple[str, str], customer: str, lines: Sequence[tuple[str, Decimal]], day: date | None
) -> dict[str, object]:
    """Return a query as request content. Which of both dates decides is not documented, so both name the same day."""
    moment = {"financialDate": day.isoformat(), "timestamp": f"{day.isoformat()}T12:00:00"} if day else {}
    request: dict[str, object] = {
        **moment,
        "workplace": {"branchNumber": place[0], "workplaceNumber": place[1]},
        "lines": [{"articleNumber": number, "data": {"quantity": f"{quantity:f}"}} for number, quantity in lines],
    }
    return request | ({"relationNumber": customer} if customer else {})
