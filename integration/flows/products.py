"""Products: articles and article groups of the books become products, articles and groups of the till."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from stdnum import ean
from stdnum.exceptions import ValidationError as StdnumError

from integration.core.flow import Ownership
from integration.core.issues import Issue, Skip
from integration.core.money import add_vat, amount, remove_vat
from integration.core.plan import Limits, Policy
from integration.core.records import Held, Kind, Record, Value
from integration.core.rules import Mapped, RuleSet, Trace, compiled, policy, rules_from
from integration.core.run import Link, Staged
from integration.flows import FLOWS, Shaped
from integration.functions import Tools

LONGEST_NUMBER = 18  # digits of the till's 64-bit article numbers
OFFER = frozenset({"vat_code", "price_incl", "price_excl", "active", "stock_managed", "webshop", "purchase_price"})
"""Fields of the offer; every other field is content."""


class Sku(StrEnum):
    """Where the till's article number comes from."""

    CODE = "code"  # the article code as it is
    FIELD = "field"  # a numeric field of the article
    ALLOTTED = "allotted"  # a number the console gives once and keeps


class Filter(BaseModel):
    """One rule on a source field that decides who takes part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str
    operator: Literal["equal", "not_equal", "contains", "starts", "empty", "not_empty", "greater", "less", "in"]
    value: str = ""
    take: Literal["in", "out"] = "out"

    def meets(self, record: Record) -> bool:
        """Tell whether the record's value meets the condition."""
        held = record.values.get(self.field)
        text = "" if held is None else str(held)
        match self.operator:
            case "empty" | "not_empty":
                return (not text) == (self.operator == "empty")
            case "equal" | "not_equal":
                return (text.casefold() == self.value.casefold()) == (self.operator == "equal")
            case "contains":
                return self.value.casefold() in text.casefold()
            case "starts":
                return text.casefold().startswith(self.value.casefold())
            case "in":
                return text.casefold() in {one.strip().casefold() for one in self.value.split(",")}
            case _:
                return self._compares(text)

    def _compares(self, text: str) -> bool:
        try:
            held, limit = Decimal(text), Decimal(self.value)
        except InvalidOperation:
            return False
        return held > limit if self.operator == "greater" else held < limit


class ProductSettings(BaseModel):
    """What an operator sets for the products flow; every default works at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: bool = False  # runs by itself
    schedule_minutes: int = Field(5, ge=1, le=59)
    nightly_complete: bool = True
    auto_approve: bool = False
    sku_rule: Sku = Sku.CODE
    sku_field: str = ""
    price_basis: Literal["excl", "incl"] = "excl"  # what the price in the books is
    price_sent: Literal["excl", "incl"] = "incl"  # the one that is sent; the till works out the other
    currency: str = "EUR"
    rates: dict[str, Decimal] = {}  # one unit of a foreign currency in ours
    create_content: bool = True
    update_content: bool = True
    create_offer: bool = True
    update_offer: bool = True
    groups: bool = True
    retire: bool = True
    filters: tuple[Filter, ...] = ()
    brake_changes: int | None = 500
    brake_changes_percent: Decimal | None = None
    brake_price_percent: Decimal | None = Decimal(25)
    brake_retirements: int | None = 0


class Products:
    """The logic of the products flow, with everything it depends on given."""

    flow = FLOWS["products"]
    prices = frozenset({"price_incl", "price_excl"})

    def __init__(
        self,
        settings: ProductSettings,
        mapping: Mapping[str, Any],
        version: int,
        tables: Mapping[str, Mapping[str, str]],
        vat_rates: Mapping[str, Decimal],
        allot: Callable[[str], str],
    ) -> None:
        rules = rules_from(mapping, version)
        self.settings = settings
        self.mapping_version = version
        self.retires = settings.retire
        self.policy: Policy = _policy(rules, settings)
        self.limits = Limits(
            changes=settings.brake_changes,
            changes_percent=settings.brake_changes_percent,
            price_percent=settings.brake_price_percent,
            retirements=settings.brake_retirements,
        )
        self._mapping = compiled(rules, Tools(tables))
        self._rates = vat_rates
        self._allot = allot

    # ---- each record alone ------------------------------------------------------------------------------------

    def stage(self, stage: int, records: Sequence[Record]) -> list[Staged]:
        """Filter, map and check each record alone."""
        if stage == 0:
            return [self._group(record) for record in records] if self.settings.groups else []
        return [self._article(record) for record in records]

    def trace(self, stage: int, record: Record) -> list[Trace]:
        """Return how each value of a record comes about."""
        return [one for one in self._mapping.trace(record) if one.target.startswith("group.") == (stage == 0)]

    def _group(self, record: Record) -> Staged:
        mapped = self._mapping.apply(record, "group.")
        title = str(record.values.get("name") or record.key)
        if mapped.issues:
            return Staged(record.key, record.key, title, issue=mapped.issues[0])
        return Staged(record.key, record.key, title, record=Record(Kind.GROUP, record.key, _fields(mapped, "group.")))

    def _article(self, record: Record) -> Staged:
        title = str(record.values.get("name") or record.key)
        parent = str(record.values.get("parent") or record.key)
        if skip := self._left_out(record):
            return Staged(record.key, parent, title, skip=skip)
        number = self._number(record)
        if isinstance(number, Issue):
            return Staged(record.key, parent, title, issue=number)
        mapped = self._mapping.apply(record)
        article, product = _fields(mapped, "article."), _fields(mapped, "product.")
        issues = [one for one in mapped.issues if not one.field.startswith("group.")]
        issue = (issues[0] if issues else None) or self._priced(record, article) or _barcode(record, article)
        mark = str(article.get("ean") or "")
        if issue:
            return Staged(record.key, parent, title, number, mark, issue=issue)
        part = Record(Kind.ARTICLE, number, article, source=record.key)
        if not self.settings.groups:
            product.pop("groups", None)
        elif isinstance(product.get("groups"), str):
            product["groups"] = (str(product["groups"]),) if product["groups"] else ()
        whole = Record(Kind.PRODUCT, parent, product, (part,), source=record.key)
        return Staged(record.key, parent, title, number, mark, record=whole)

    def _left_out(self, record: Record) -> Skip | None:
        if record.values.get("blocked") is True:
            return Skip("blocked", record.key, {"key": record.key})
        for one in self.settings.filters:
            if one.meets(record) != (one.take == "in"):
                facts = {"key": record.key, "field": one.field, "value": str(record.values.get(one.field) or "")}
                return Skip("filtered", record.key, facts)
        return None

    def _number(self, record: Record) -> str | Issue:
        """Return the till's article number of an article: a whole number that keeps every digit."""
        rule = self.settings.sku_rule
        if rule is Sku.ALLOTTED:
            return self._allot(record.key)
        text = record.key if rule is Sku.CODE else _plain(record.values.get(self.settings.sku_field))
        facts = {"article": record.key, "key": record.key}
        if not (text.isascii() and text.isdecimal()) or len(text) > LONGEST_NUMBER or not int(text):
            return Issue("sku_not_numeric", record.key, "number", facts)
        if text.startswith("0"):
            return Issue("sku_leading_zero", record.key, "number", {**facts, "number": text.lstrip("0")})
        return text

    def _priced(self, record: Record, article: dict[str, Value]) -> Issue | None:
        """Put the one price that is sent into the article; computed once, with the VAT of the books."""
        facts = {"key": record.key, "article": record.key}
        if "price" not in article:
            return None
        price, currency = article.pop("price"), str(record.values.get("currency") or self.settings.currency)
        if not isinstance(price, Decimal) or price < 0:
            return Issue("price_missing", record.key, "price", {**facts, "value": "" if price is None else str(price)})
        if currency != self.settings.currency:
            if currency not in self.settings.rates:
                facts |= {"currency": currency, "base_currency": self.settings.currency}
                return Issue("currency_without_rate", record.key, "price", facts)
            price *= self.settings.rates[currency]
        code = str(record.values.get("vat_code") or "")
        if code not in self._rates:
            facts |= {"code": code, "rate": "", "country": "", "system": "MplusKASSA"}
            return Issue("vat_code_unmapped", record.key, "vat_code", facts)
        basis, sent = self.settings.price_basis, self.settings.price_sent
        convert = {("excl", "incl"): add_vat, ("incl", "excl"): remove_vat}.get((basis, sent))
        article[f"price_{sent}"] = convert(price, self._rates[code]) if convert else amount(price)
        return None

    # ---- what belongs together --------------------------------------------------------------------------------

    def shape(
        self,
        stage: int,
        members: Sequence[Staged],
        duplicates: Mapping[str, tuple[str, ...]],
        marks: Mapping[str, tuple[str, ...]],
    ) -> Shaped:
        """Make one group or one product of the records of one parent; who is parked does not hold back the others."""
        parked = [one.issue for one in members if one.issue]
        skipped = tuple(one.skip for one in members if one.skip)
        title = members[0].title
        if stage == 0:
            return Shaped(members[0].record, title, parked=tuple(parked), skipped=skipped)
        fit = []
        for one in members:
            issue = _doubled(one, duplicates, marks) if one.record else None
            if issue:
                parked.append(issue)
            elif one.record:
                fit.append(one)
        alike = _alike(members[0].parent, fit)
        parked += alike
        if not fit or alike:
            return Shaped(None, title, parked=tuple(parked), skipped=skipped)
        product = _product(members[0].parent, fit)
        groups = product.values.get("groups")
        group = groups[0] if isinstance(groups, tuple) and groups else ""
        name = str(product.values.get("name") or title)
        return Shaped(product, name, group, tuple(parked), skipped)

    def objection(self, stage: int, desired: Record, held: Held | None, link: Link | None) -> Issue | None:
        """Return an issue when the till already uses one of the numbers for an article that came from elsewhere."""
        if stage == 0 or held is None or link is not None:
            return None
        there = {part.key: str(part.values.get("external_id") or "") for part in held.record.parts}
        for part in desired.parts:
            if there.get(part.key) and there[part.key] != part.source:
                facts = {"key": part.source, "article": part.source, "number": part.key, "other": there[part.key]}
                return Issue("article_number_taken", desired.key, "number", facts)
        return None

    def fitting(self, stage: int, desired: Record, held: Held | None) -> Record | Skip:
        """Return the part of a record that may be created or updated now: content and offer are switched apart."""
        if stage == 0:
            return desired
        settings = self.settings
        if held is None:
            if not settings.create_content:
                return Skip("create_off", desired.key, {"key": desired.key})
            return desired if settings.create_offer else _not_for_sale(desired)
        if settings.update_content and settings.update_offer:
            return desired
        if not settings.update_content and not settings.update_offer:
            return Skip("update_off", desired.key, {"key": desired.key})
        return _half(desired, offer=settings.update_offer)


def _policy(rules: RuleSet, settings: ProductSettings) -> dict[str, Ownership]:
    owned = dict(policy(rules))
    price = owned.pop("article.price", None)
    if price is not None:
        owned[f"article.price_{settings.price_sent}"] = price
    return owned


def _fields(mapped: Mapped, kind: str) -> dict[str, Value]:
    return {target.removeprefix(kind): value for target, value in mapped.values.items() if target.startswith(kind)}


def _plain(value: Value) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return "" if value is None else str(value).strip()


def _barcode(record: Record, article: Mapping[str, Value]) -> Issue | None:
    code = str(article.get("ean") or "")
    if not code:
        return None
    try:
        ean.validate(code)
    except StdnumError:
        return Issue("ean_check_digit", record.key, "ean", {"key": record.key, "article": record.key, "value": code})
    return None


def _doubled(
    one: Staged, duplicates: Mapping[str, tuple[str, ...]], marks: Mapping[str, tuple[str, ...]]
) -> Issue | None:
    for cause, name, value, shared in (
        ("sku_duplicate", "number", one.number, duplicates),
        ("ean_duplicate", "ean", one.mark, marks),
    ):
        others = [key for key in shared.get(value, ()) if key != one.key] if value else []
        if others:
            facts = {"key": one.key, "article": one.key, "other": ", ".join(others), "number": one.number}
            return Issue(cause, one.key, name, {**facts, "value": value})
    return None


def _alike(parent: str, members: Sequence[Staged]) -> list[Issue]:
    """Return an issue for each variant when two of them cannot be told apart by colour and size."""
    if len(members) < 2:  # noqa: PLR2004 - one article is no choice
        return []
    seen: dict[tuple[Value, Value], str] = {}
    for one in members:
        values = one.record.parts[0].values if one.record else {}
        axes = (values.get("colour") or None, values.get("size") or None)
        if axes in seen or axes == (None, None):
            other = seen.get(axes, members[0].key)
            facts = {"article": one.key, "other": other, "product": parent}
            return [Issue("variant_duplicate", each.key, "colour", {"key": each.key, **facts}) for each in members]
        seen[axes] = one.key
    return []


def _product(parent: str, members: Sequence[Staged]) -> Record:
    wholes = [one.record for one in members if one.record]
    values = dict(wholes[0].values)
    groups = [whole.values.get("groups") for whole in wholes]
    if "groups" in values:
        values["groups"] = tuple(sorted({code for one in groups if isinstance(one, tuple) for code in one}))
    if len(wholes) > 1 and isinstance(values.get("name"), str):
        values["name"] = _common([str(whole.values.get("name") or "") for whole in wholes]) or values["name"]
    parts = tuple(part for whole in wholes for part in whole.parts)
    return Record(Kind.PRODUCT, parent, values, parts, wholes[0].source)


def _common(names: Sequence[str]) -> str:
    """Return the words all variants' names begin with: what is left is colour and size."""
    words = [name.split() for name in names]
    shared = []
    for place in zip(*words, strict=False):
        if len({word.casefold() for word in place}) > 1:
            break
        shared.append(place[0])
    return " ".join(shared).rstrip(" ,-/")


def _not_for_sale(desired: Record) -> Record:
    """Return the record without an offer: it exists at the till and cannot be sold yet."""
    parts = tuple(
        Record(part.kind, part.key, {**_kept(part.values, offer=False), "active": False}, source=part.source)
        for part in desired.parts
    )
    return Record(desired.kind, desired.key, desired.values, parts, desired.source)


def _half(desired: Record, *, offer: bool) -> Record:
    values = {} if offer else desired.values
    parts = tuple(
        Record(part.kind, part.key, _kept(part.values, offer=offer), source=part.source) for part in desired.parts
    )
    return Record(desired.kind, desired.key, values, parts, desired.source)


def _kept(values: Mapping[str, Value], *, offer: bool) -> dict[str, Value]:
    return {name: value for name, value in values.items() if (name in OFFER) == offer}
