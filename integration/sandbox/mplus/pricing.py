"""Prices for customers and per branch, by rules that are independent of the rest of this project.

It is not published which of several prices a real till prefers. This till takes the most specific one: the customer's
agreement about the article, then about its discount group, then the price of the customer's price group, then the
customer's general discount. The convention `offers_win_over` decides where a temporary price of the article on that day
stands among them. Of several minimum quantities, the highest that is reached counts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from integration.sandbox.mplus.catalogue import Catalogue
from integration.sandbox.mplus.context import Handler, Reference, TillContext
from integration.sandbox.mplus.contract import RefusedError, WireFields
from integration.sandbox.mplus.relations import Relations

CENT = Decimal("0.01")
_OUTSIDE = "-FAILED-PRICE-DEVIATION-OUTSIDE-ALLOWED-RANGE"


@dataclass(frozen=True, slots=True)
class _LinePrice:
    """Price of one piece including VAT, its discount in percent, and the type of the discount."""

    price: Decimal
    percent: Decimal = Decimal(0)
    by: str = "DISCOUNT-TYPE-NONE"


class Pricing:
    """Prices of one till."""

    def __init__(self, context: TillContext, reference: Reference, catalogue: Catalogue, relations: Relations) -> None:
        self._context = context
        self._reference = reference
        self._catalogue = catalogue
        self._relations = relations
        self.deviations: dict[tuple[int, int], WireFields] = {}

    def operations(self) -> dict[str, Handler]:
        return {
            "determinePricing": lambda request: self._determine(request.child("request")),
            "getArticleBranchDeviations": lambda request: self._list_deviations(request.child("request")),
            "saveArticleBranchDeviations": lambda request: self._save(request.child("request")),
        }

    def state(self) -> list[dict[str, object]]:
        """Return all prices per branch."""
        contract = self._context.contract
        return [contract.plain("ArticleBranchDeviationLine", deviation) for deviation in self.deviations.values()]

    def put(self, line: WireFields) -> None:
        """Store the price of an article in a branch; a line without a price removes it."""
        place = line.number("articleNumber"), line.number("branchNumber")
        if {"salesPriceIncl", "salesPriceExcl"} & line.names():
            self.deviations[place] = line
        else:
            self.deviations.pop(place, None)

    # ---- prices for customers

    def _determine(self, ask: WireFields) -> WireFields:
        branch, number = ask.child("workplace").number("branchNumber"), ask.number("relationNumber")
        if branch not in self._reference.branches:
            raise RefusedError(f"Branch {branch} does not exist")
        if number and number not in self._relations.relations:
            raise RefusedError(f"Relation {number} does not exist")
        customer = self._relations.fields(number) if number else WireFields()
        timestamp = ask.text("timestamp") or ask.text("financialDate")
        day = date.fromisoformat(timestamp[:10]) if timestamp else self._context.today
        lines = [self._line(line, customer, branch, day) for line in ask.children("lines")]
        return self._context.build("DeterminePricingResponse", {"lines": lines})

    def _line(self, line: WireFields, customer: WireFields, branch: int, day: date) -> WireFields:
        stored_article = self._catalogue.article(line.number("articleNumber"))
        if stored_article is None:
            raise RefusedError(f"Article {line.number('articleNumber')} does not exist")
        article, quantity = self._catalogue.fields(stored_article), Decimal(line.child("data").text("quantity", "1"))
        charged = self._line_price(article, customer, (branch, day), quantity)
        whole = charged.price * quantity
        amount = (whole * (100 - charged.percent) / 100).quantize(CENT, ROUND_HALF_UP)
        factor = 1 + (self._reference.rate(article.number("vatCode")) or Decimal(0)) / 100

        def excl(incl: Decimal) -> Decimal:
            return (incl / factor).quantize(CENT, ROUND_HALF_UP)

        values = {
            "articleNumber": stored_article.number,
            "description": article.text("description"),
            "quantity": quantity,
            "price": charged.price,
            "discountPercentage": charged.percent,
            "discountAmount": whole - amount,
            "amount": amount,
            "priceType": "PRICE-TYPE-ARTICLE",
            "tempId": line.text("tempId") or None,
            "priceExcl": excl(charged.price),
            "discountAmountExcl": excl(whole) - excl(amount),
            "amountExcl": excl(amount),
            "discountType": charged.by,
        }
        return self._context.build("DeterminePricingResponseLine", values)

    def _line_price(
        self, article: WireFields, customer: WireFields, where: tuple[int, date], quantity: Decimal
    ) -> _LinePrice:
        branch, day = where
        base = self._base_price(article, branch)
        rows = customer.child("relationArticleDiscountList").children("relationArticleDiscount")
        group = customer.number("priceGroupNumber") or self._reference.branches[branch].get("priceGroupNumber") or 0
        prices = article.child("priceGroupList").children("priceGroup")
        temporary = article.child("salesPriceList").children("salesPrice")
        sources = [
            (
                _rows_with_number(rows, "articleNumber", article.number("articleNumber")),
                "DISCOUNT-TYPE-CUSTOMER-DISCOUNT",
            ),
            (
                _rows_with_number(rows, "articleDiscountGroupNumber", article.number("articleDiscountGroupNumber")),
                "DISCOUNT-TYPE-CUSTOMER-DISCOUNT",
            ),
            (_rows_with_number(prices, "priceGroupNumber", group), "DISCOUNT-TYPE-PRICE-GROUP"),
        ]
        place = {"everything": 0, "price_groups": 2, "discounts": 3}[self._context.conventions.offers_win_over]
        sources.insert(place, ([row for row in temporary if _is_valid_on(row, day)], "DISCOUNT-TYPE-SALES-PRICE"))
        for offers, by in sources:
            reached = [offer for offer in offers if _minimum_quantity(offer) <= quantity]
            if reached:
                return self._offer_price(max(reached, key=_minimum_quantity), article, base, by)
        if percent := customer.number("discountPercentage"):
            return _LinePrice(base, self._percent(percent), "DISCOUNT-TYPE-CUSTOMER-DISCOUNT")
        return _LinePrice(base)

    def _base_price(self, article: WireFields, branch: int) -> Decimal:
        own = self.deviations.get((article.number("articleNumber"), branch), WireFields())
        if own.has_name("salesPriceIncl"):
            return Decimal(own.text("salesPriceIncl")).quantize(CENT)
        if own.has_name("salesPriceExcl"):
            return self._with_vat(article, Decimal(own.text("salesPriceExcl")))
        return self._price(article, article) or Decimal("0.00")

    def _offer_price(self, offer: WireFields, article: WireFields, base: Decimal, by: str) -> _LinePrice:
        price = self._price(offer, article)
        percent = self._percent(offer.number("discountPercentage"))
        return _LinePrice(base if price is None else price, percent, by)

    def _price(self, of: WireFields, article: WireFields) -> Decimal | None:
        if of.has_name("priceIncl"):
            return Decimal(of.number("priceIncl")).scaleb(-2)
        return self._with_vat(article, Decimal(of.number("priceExcl")).scaleb(-2)) if of.has_name("priceExcl") else None

    def _with_vat(self, article: WireFields, excl: Decimal) -> Decimal:
        rate = self._reference.rate(article.number("vatCode")) or Decimal(0)
        return (excl * (1 + rate / 100)).quantize(CENT, ROUND_HALF_UP)

    def _percent(self, number: int) -> Decimal:
        return Decimal(number) / 100 if self._context.conventions.discounts_in_hundredths else Decimal(number)

    # ---- prices per branch

    def _list_deviations(self, ask: WireFields) -> WireFields:
        articles = ask.child("articleNumbers").numbers("articleNumbers")
        branches = ask.child("branchFilter").numbers("branchNumbers")
        lines = [
            line
            for (article, branch), line in sorted(self.deviations.items())
            if (not articles or article in articles) and (not branches or branch in branches)
        ]
        return self._context.build("GetArticleBranchDeviationsResponse", {"articleBranchDeviationLines": lines})

    def _save(self, ask: WireFields) -> WireFields:
        lines = ask.children("articleBranchDeviationLines")
        for result, message in self._refusals(lines):
            return self._save_answer(result, message)
        for line in lines:
            self.put(line)
        return self._save_answer("-OK", "")

    def _refusals(self, lines: Sequence[WireFields]) -> Iterator[tuple[str, str]]:
        """Yield the reasons to refuse all lines; one invalid line is enough."""
        for line in lines:
            stored_article = self._catalogue.article(line.number("articleNumber"))
            if stored_article is None or line.number("branchNumber") not in self._reference.branches:
                yield "-FAILED", f"There is no article {line.text('articleNumber')} in {line.text('branchNumber')}"
                continue
            article = self._catalogue.fields(stored_article)
            price = self._requested_price(line, article)
            lowest, highest = article.text("priceDeviationMin"), article.text("priceDeviationMax")
            if price is None:
                continue
            if (lowest and price < Decimal(lowest)) or (highest and price > Decimal(highest)):
                yield _OUTSIDE, f"The price {price} is outside {lowest} to {highest}"

    def _requested_price(self, line: WireFields, article: WireFields) -> Decimal | None:
        if line.has_name("salesPriceIncl"):
            return Decimal(line.text("salesPriceIncl"))
        return (
            self._with_vat(article, Decimal(line.text("salesPriceExcl"))) if line.has_name("salesPriceExcl") else None
        )

    def _save_answer(self, result: str, message: str) -> WireFields:
        code = f"SAVE-ARTICLE-BRANCH-DEVIATION-RESULT{result}"
        return self._context.build("SaveArticleBranchDeviationsResponse", {"result": code, "errorMessage": message})


def _rows_with_number(rows: Sequence[WireFields], name: str, number: int) -> list[WireFields]:
    return [row for row in rows if number and row.number(name) == number]


def _is_valid_on(row: WireFields, day: date) -> bool:
    """Return True if a temporary price applies on a day; both days of its period are included."""
    first, last = (_day(row.child(name)) if row.has_name(name) else None for name in ("startDate", "endDate"))
    return (first is None or first <= day) and (last is None or day <= last)


def _day(parts: WireFields) -> date:
    return date(parts.number("year"), parts.number("mon"), parts.number("day"))


def _minimum_quantity(row: WireFields) -> Decimal:
    return row.scaled("minimumAmount", "minimumAmountDecimalPlaces")
