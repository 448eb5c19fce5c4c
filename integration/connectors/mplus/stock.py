"""Stock levels as a target: one article with a level for each branch, always set and never added to."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Client, Element, tag
from integration.connectors.mplus.products import Products
from integration.connectors.mplus.settings import MplusSettings
from integration.connectors.mplus.target import in_pages, readable, whole
from integration.connectors.protocol import References
from integration.core.errors import RejectedError
from integration.core.plan import Change
from integration.core.records import Batch, Held, Kind, Record, Value, Written, WrongValueError, unreadable

_REFERENCE_LENGTH = 40  # the till names no limit


class Stock:
    """The stock of one installation."""

    def __init__(self, settings: MplusSettings, client: Client, products: Products) -> None:
        self._settings = settings
        self._client = client
        self._products = products

    # ---- looking

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:  # noqa: ARG002
        """Return what the till holds now in the branches asked for; found by the number of the article.

        An article that the till does not have is left out.
        """
        numbers = {record.key: number for record in wanted if (number := _number(record))}
        with readable():
            articles = self._products.articles(whole(numbers.values()))
            rows = self._rows(wanted, {key: number for key, number in numbers.items() if number in articles})
            return {
                record.key: self._held(record, numbers[record.key], articles[numbers[record.key]], rows)
                for record in wanted
                if numbers.get(record.key) in articles
            }

    def _rows(self, wanted: Sequence[Record], numbers: Mapping[str, str]) -> dict[tuple[str, str], Element]:
        """Return the till's rows by branch and article: one call for each branch and portion of articles."""
        asked: dict[str, list[str]] = {}
        for record in wanted:
            for part in record.parts:
                if record.key in numbers:
                    asked.setdefault(part.key, []).append(numbers[record.key])
        return {
            (branch, number): row
            for branch in whole(asked)
            for row in self._asked(branch, whole(asked[branch]))
            if (number := codec.if_readable(codec.article_number, row))
        }

    def _asked(self, branch: str, numbers: Sequence[str]) -> list[Element]:
        def ask(page: Sequence[str]) -> list[Element]:
            request = {"branchNumber": branch, "articleNumbers": {"articleNumbers": page}}
            return list(self._client.read("getStock", request=request).iterfind(tag("articleStocks")))

        return in_pages(ask, numbers, self._settings.page_articles, self._settings.in_flight)

    def _held(
        self, wanted: Record, number: str, article: tuple[str, Element], rows: Mapping[tuple[str, str], Element]
    ) -> Held:
        product, element = article
        values: dict[str, Value] = {"number": wanted.values["number"]}
        managed = codec.stock_managed(element)
        if managed is not None:
            values["managed"] = managed
        there = {part.key: row for part in wanted.parts if (row := rows.get((part.key, number))) is not None}
        try:
            levels = self._levels(wanted, there, managed=managed)
            marker = max(map(codec.stock_id, there.values()), default=0)
        except WrongValueError as error:
            wrong = unreadable(Kind.STOCK, wanted.key, error, codec.raw(*there.values()))
            return Held(wrong, number, original=product)
        record = Record(Kind.STOCK, wanted.key, values, levels, wanted.source)
        return Held(record, number, str(marker), original=product)

    def _levels(self, wanted: Record, there: Mapping[str, Element], *, managed: bool | None) -> tuple[Record, ...]:
        return tuple(
            Record(Kind.LEVEL, part.key, {"amount": self._amount(there.get(part.key))})
            for part in wanted.parts
            # The till is silent about articles whose stock it does not keep, and may have an old level of them.
            if part.key in there or managed is not False
        )

    def _amount(self, row: Element | None) -> Decimal:
        if row is None:
            # The till may keep a row from the first booking on only. Where it has none nothing was ever counted,
            # which it shows as 0, so that a level of 0 needs no booking to be there.
            return Decimal(0)
        return codec.decode_level(row, reserved=self._settings.stock_counts == "free_and_reserved")

    def changed(self, since: str, after: str | None) -> Batch:  # noqa: ARG002
        """Return an empty page without a stamp: this flow reads every level each time, so it need not be told."""
        return Batch((), None, "")

    # ---- writing

    def calls(self, change: Change) -> int:
        """Return one for each level, and one more when stock keeping is switched."""
        return len(_levels(change.wanted)) + ("managed" in change.wanted.values)

    def write(self, change: Change, held: Held | None, references: References, token: str) -> Written:  # noqa: ARG002
        """Switch stock keeping where that is wanted, then set each level; return the number and the last booking.

        `token` is the reference of the bookings, for people who look at the history of an article.
        """
        if held is None or not isinstance(held.original, str):  # articles are made by the flow of products
            raise RejectedError("target_record_missing")
        levels = {_branch(key): codec.encode_level(amount) for key, amount in _levels(change.wanted).items()}
        managed = change.wanted.values.get("managed")
        if isinstance(managed, bool):
            self._products.switch_stock(held.original, held.reference, managed=managed)
        last = ""
        for branch, level in levels.items():
            last = self._set(branch, held.reference, level, token) or last
        return Written(held.reference, last)

    def _set(self, branch: str, number: str, level: Mapping[str, str], token: str) -> str:
        request = {
            "branchNumber": branch,
            "articleNumber": number,
            **level,
            "employeeNumber": str(self._settings.employee_number),
            "reference": token[:_REFERENCE_LENGTH],
        }
        try:
            answer = self._client.write("setStock", request=request)
        except RejectedError as error:
            refusal = RejectedError(error.code, **{**error.facts, "branch": branch})
        else:
            return answer.findtext(tag("stockId")) or ""
        raise refusal


def _number(record: Record) -> str:
    number = str(record.values.get("number") or "")
    return str(int(number)) if whole([number]) else ""


def _branch(key: str) -> str:
    if not whole([key]):
        raise RejectedError("branch_missing", branch=key)
    return key


def _levels(wanted: Record) -> dict[str, Value]:
    """Return the amounts to set, by branch."""
    return {part.key: part.values["amount"] for part in wanted.parts if "amount" in part.values}
