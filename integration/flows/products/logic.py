"""Products: articles and article groups of AccountView become products, articles and groups of MplusKASSA."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

from stdnum import ean

from integration.core.compiled import compile  # noqa: A004 - of a mapping
from integration.core.errors import Reason
from integration.core.flow import Ownership, Stage
from integration.core.issues import Issue, Skip
from integration.core.money import add_vat, amount, remove_vat
from integration.core.plan import Change, Limits, Policy, price_jumps, retire
from integration.core.records import Held, Kind, Record, Value, clean, is_number
from integration.core.rules import EMPTY, Trace, TraceStep, as_text, policy, rules_from, unusable
from integration.core.run import Link, Staged
from integration.flows.functions.toolbox import Tools
from integration.flows.products.settings import FLOW, ProductSettings
from integration.flows.products.variants import clash_of, group_of, listed, shared, together
from integration.flows.settings import Parked, left_out, required
from integration.flows.spec import FlowLogic, Shaped

VAT_TABLE = "vat_codes"
PRICE = "article.price"
VAT_CODE = "article.vat_code"
ACTIVE = "article.active"
# Fields of an article that say how it is sold. Every other one is content.
OFFER = frozenset({"price_incl", "price_excl", "purchase_price", "vat_code", "active", "stock_managed", "webshop"})


class Products(FlowLogic):
    """The logic of the flow `products`, for one version of its settings, mapping and value tables."""

    def __init__(
        self,
        settings: ProductSettings,
        mapping_body: Mapping[str, Any],
        version: int,
        tables: Mapping[str, Mapping[str, str]],
        vat_rates: Mapping[str, Decimal],
        allot: Callable[[str], str],
    ) -> None:
        """Make everything ready that does not depend on a record.

        `vat_rates` are percentages by the source's VAT code; `allot` gives an article code its number for good.
        Raises ConfigurationError when the mapping cannot be used.
        """
        mapping, tools = rules_from(mapping_body), Tools(tables)
        owned = policy(mapping)
        self.flow = FLOW
        self.settings = settings
        self.mapping_version = version
        self.price_field = f"price_{settings.price_sent}"
        self.policy = _policy(owned, self.price_field)
        self.limits = Limits(**settings.brakes.model_dump())
        self.retires = settings.retire
        self._vat_source = next((rule.source for rule in mapping.rules if rule.target == VAT_CODE), "") or "vat_code"
        self._vat_rates = vat_rates
        self._rates = {currency.upper(): rate for currency, rate in settings.rates.items()}
        self._allot = allot
        self._offers = settings.offer.create or settings.offer.update
        self._groups = compile(mapping, tools, {Kind.GROUP})
        self._articles = compile(mapping, tools, {Kind.PRODUCT, Kind.ARTICLE})

    def watched(self, change: Change) -> tuple[str, ...]:
        """Return the codes of the brakes that count this change by itself: that of prices, for each of them."""
        return ("brake_price",) * price_jumps(change, self.limits, frozenset({self.price_field}))

    # ---- each record by itself

    def stage(self, stage: Stage, records: Sequence[Record]) -> list[Staged]:
        """Return each record mapped and checked by itself; see `FlowLogic`."""
        return [self._group(record) if stage.target is Kind.GROUP else self._article(record) for record in records]

    def _group(self, record: Record) -> Staged:
        key, title = record.key, as_text(record.values.get("name")) or record.key
        if not self.settings.groups:
            return Staged(key, key, title, skip=Skip("groups_not_sent", key, {"key": key}))
        mapped = self._groups.apply(record)
        values = {name.partition(".")[2]: clean(value) for name, value in mapped.values.items()}
        try:
            self._free_of(mapped.issues, record)
            required(values, "name", "group.name", self.flow.target)
        except Parked as parked:
            return Staged(key, key, title, issue=parked.issue(key))
        return Staged(key, key, title, record=Record(Kind.GROUP, key, values))

    def _article(self, record: Record) -> Staged:
        """Map one article to a product with that article alone; `shape` puts those of one parent together."""
        key, title = record.key, as_text(record.values.get("name")) or record.key
        parent = self._parent(record)
        if skip := self._left_out(record):
            return Staged(key, parent, title, skip=skip)
        try:
            product, article = self._mapped(record)
            number = self._number(record)
        except Parked as parked:
            return Staged(key, parent, title, issue=parked.issue(key))
        part = Record(Kind.ARTICLE, number, article, source=key)
        mark = as_text(article.get("ean")) if article.get("active") is not False else ""
        return Staged(key, parent, title, number, mark, Record(Kind.PRODUCT, parent, product, (part,)))

    def _parent(self, record: Record) -> str:
        return as_text(record.values.get(self.settings.parent_field)).strip() or record.key

    def _left_out(self, record: Record) -> Skip | None:
        if record.values.get("blocked") is True and self.settings.blocked == "skip":
            return Skip("blocked", record.key, {"key": record.key})
        return left_out(record, self.settings.filters)

    def _mapped(self, record: Record) -> tuple[dict[str, Value], dict[str, Value]]:
        """Return the values of the product and those of the article. Raises Parked."""
        mapped = self._articles.apply(record)
        issues = mapped.issues if self._offers else [each for each in mapped.issues if not _is_offer(each.field)]
        self._free_of(issues, record)
        product: dict[str, Value] = {}
        article: dict[str, Value] = {}
        for target, value in mapped.values.items():
            kind, name, is_offer = _place_of(target)
            if kind is Kind.PRODUCT:
                product[name] = clean(value)
            elif self._offers or not is_offer:
                article[name] = clean(value)
        required(product, "name", "product.name", self.flow.target)
        if "groups" in product:
            product["groups"] = listed(product["groups"])
        if not self.settings.groups:
            product.pop("groups", None)
        if "ean" in article:
            article["ean"] = _checked_ean(article["ean"], record.key)
        if self._offers:
            self._check_vat(article, record)
            if "price" in article:
                article[self.price_field] = self._price(article.pop("price"), record)[-1].value
        return product, article

    def _free_of(self, issues: Iterable[Issue], record: Record) -> None:
        for issue in issues:
            if issue.facts.get("table") == VAT_TABLE:
                raise self._unmapped_vat(record, issue.facts["value"])
            raise Parked(issue.cause, issue.field, **{**issue.facts, "system": self.flow.target})

    def _check_vat(self, article: Mapping[str, Value], record: Record) -> None:
        if "vat_code" in article and article["vat_code"] in EMPTY:
            raise self._unmapped_vat(record, self._vat_code(record))

    def _unmapped_vat(self, record: Record, code: str) -> Parked:
        if not code:
            return Parked("vat_code_missing", VAT_CODE, article=record.key, system=self.flow.source)
        rate = self._vat_rates.get(code)
        facts = {"code": code, "rate": "" if rate is None else f"{rate.normalize():f}%", "country": ""}
        return Parked("vat_code_unmapped", VAT_CODE, **facts, article=record.key, system=self.flow.target)

    # ---- number and price

    def _number(self, record: Record) -> str:
        """Return the article number under the rule that is set. Raises Parked."""
        if self.settings.sku_rule == "allotted":
            return self._allot(record.key)
        given: Value = record.key
        if self.settings.sku_rule == "field":
            given = record.values.get(self.settings.sku_field)
        if isinstance(given, Decimal) and given == given.to_integral_value():
            given = f"{given:.0f}"
        number = as_text(given).strip()
        facts = {"article": record.key, "value": number}
        if not is_number(number) or not int(number):
            raise Parked("sku_not_numeric", "number", **facts)
        if number.startswith("0"):
            raise Parked("sku_leading_zero", "number", **facts, number=str(int(number)))
        return number

    def _price(self, price: Value, record: Record) -> list[TraceStep]:
        """Return the steps from the mapped price to the one that is sent, which is the last. Raises Parked."""
        number = self._usable(price, record)
        steps = [TraceStep("price", number)]
        rate = self._currency_rate(record)
        if rate is not None:
            number *= rate
            steps.append(TraceStep(f"rate {rate.normalize():f}", number))
        if self.settings.price_basis != self.settings.price_sent:
            percent = self._percent(record)
            change = add_vat if self.settings.price_sent == "incl" else remove_vat
            number = change(number, percent)
            steps.append(TraceStep(f"{change.__name__}({percent.normalize():f})", number))
        number = amount(amount(amount(number), self.settings.decimals))
        return [*steps, TraceStep(f"round({self.settings.decimals})", number)]

    def _usable(self, price: Value, record: Record) -> Decimal:
        try:
            number = None if price in EMPTY or isinstance(price, bool) else amount(price, 6)
        except ValueError:
            number = None
        if number is None or number < 0 or (not number and self.settings.zero_price == "park"):
            raise Parked("price_missing", PRICE, article=record.key, value=as_text(price))
        return number

    def _currency_rate(self, record: Record) -> Decimal | None:
        base = self.settings.default_currency
        currency = as_text(record.values.get("currency")).strip().upper()
        if not currency or currency == base.upper():
            return None
        rate = self._rates.get(currency)
        if rate is None:
            raise Parked("currency_without_rate", PRICE, currency=currency, base_currency=base)
        return rate

    def _percent(self, record: Record) -> Decimal:
        code = self._vat_code(record)
        if code not in self._vat_rates:
            raise self._unmapped_vat(record, code)
        return self._vat_rates[code]

    def _vat_code(self, record: Record) -> str:
        return as_text(record.values.get(self._vat_source)).strip()

    # ---- the members of one parent together

    def shape(
        self,
        stage: Stage,
        members: Sequence[Staged],
        duplicates: Mapping[str, tuple[str, ...]],
        marks: Mapping[str, tuple[str, ...]],
    ) -> Shaped:
        """Return what the members of one parent come to; see `FlowLogic`."""
        parked: list[Issue] = [each.issue for each in members if each.issue]
        skipped = tuple(each.skip for each in members if each.skip)
        good: list[tuple[Staged, Record]] = []
        for each in members:
            if each.record is None:
                continue
            issue = shared(each, duplicates, marks)
            if issue is None:
                good.append((each, each.record))
            else:
                parked.append(issue)
        if stage.target is Kind.PRODUCT and (clash := clash_of(good)):
            parked += [replace(clash, key=each.key) for each, _ in good]
            good = []
        if not good:
            return Shaped(None, members[0].title, group_of(members), tuple(parked), skipped)
        desired = good[0][1] if stage.target is Kind.GROUP else together([record for _, record in good])
        title = as_text(desired.values.get("name")) or members[0].title
        return Shaped(desired, title, group_of(members), tuple(parked), skipped)

    def objection(self, stage: Stage, desired: Record, held: Held | None, link: Link | None) -> Issue | None:
        """Return an issue when the till's article under one of our numbers belongs to another code.

        What is linked already is ours, whatever somebody has made of its external id since.
        """
        if stage.target is Kind.GROUP or held is None:
            return None
        ours = {part.key for part in link.agreed.parts} if link and link.agreed else set()
        there = {part.key: as_text(part.values.get("external_id")).strip() for part in held.record.parts}
        for part in desired.parts:
            owner = there.get(part.key, "")
            if owner and owner != part.source and part.key not in ours:
                facts = {"key": part.source, "number": part.key, "article": part.source, "other": owner}
                return Issue("article_number_taken", desired.key, "number", facts)
        return None

    def fitting(self, stage: Stage, desired: Record, held: Held | None) -> Record | Skip:
        """Return what of the desired record may be created or updated now; see `FlowLogic`.

        A part that may not be created yet stays as a part without values: it is accounted for, and nothing of it is
        written.
        """
        content = self.settings.content
        if held is None and not content.create:
            return Skip("create_switched_off", desired.key, {"key": desired.key})
        values = desired.values if held is None or content.update else {}
        if stage.target is Kind.GROUP:
            return replace(desired, values=values)
        there = {part.key for part in held.record.parts} if held else set()
        parts = tuple(self._updated(part) if part.key in there else self._created(part) for part in desired.parts)
        return replace(desired, values=values, parts=parts)

    def _created(self, part: Record) -> Record:
        if not self.settings.content.create:
            return replace(part, values={})
        if self.settings.offer.create:
            return part
        content = {name: value for name, value in part.values.items() if name not in OFFER}
        return replace(part, values={**content, "active": False})  # not for sale before it has an offer

    def _updated(self, part: Record) -> Record:
        content, offer = self.settings.content.update, self.settings.offer.update
        if content and offer:
            return part
        kept = {name: value for name, value in part.values.items() if (offer if name in OFFER else content)}
        return replace(part, values=kept)

    def withdraw(self, stage: Stage, change: Change) -> Change | Skip:
        """Return the retirement of what was created; a group stays, for others may be in it by now."""
        parts = () if stage.target is Kind.GROUP else change.agreed.parts
        active = frozenset(part.source for part in parts if part.values.get("active") is not False)
        return retire(change.agreed, active, title=change.title) if active else super().withdraw(stage, change)

    # ---- why

    def trace(self, stage: Stage, record: Record) -> list[Trace]:
        """Return for every target field how it came to its value from this source record."""
        if stage.target is Kind.GROUP:
            return self._groups.trace(record)
        return [
            self._price_trace(each, record) if each.target == PRICE else each for each in self._articles.trace(record)
        ]

    def _price_trace(self, trace: Trace, record: Record) -> Trace:
        target = f"article.{self.price_field}"
        if trace.issue is not None or PRICE not in self._articles.apply(record).values:
            return replace(trace, target=target)
        try:
            steps = self._price(trace.value, record)
        except Parked as parked:
            return Trace(target, trace.steps, None, parked.issue(record.key))
        return Trace(target, (*trace.steps, *steps[1:]), steps[-1].value)


def _policy(owned: Policy, price_field: str) -> Policy:
    """Return the policy in the target's own fields: the price under the name it is sent by."""
    ours = {f"article.{price_field}" if target == PRICE else target: who for target, who in owned.items()}
    if PRICE in owned and len(ours) < len(owned):
        raise unusable(f"article.{price_field}", Reason("reason_twice"))
    return {ACTIVE: Ownership.ON_CREATE, **ours}  # what is created without an offer is created inactive


def _is_offer(target: str) -> bool:
    kind, _, name = target.partition(".")
    return kind == Kind.ARTICLE and (name in OFFER or target == PRICE)


@cache
def _place_of(target: str) -> tuple[Kind, str, bool]:
    kind, _, name = target.partition(".")
    return Kind(kind), name, _is_offer(target)


def _checked_ean(value: Value, article: str) -> Value:
    """Return the barcode without blanks and dashes. Raises Parked when its check digit does not fit."""
    text = as_text(value)
    code = text if text.isascii() and text.isdecimal() else ean.compact(text)
    if code and not ean.is_valid(code):
        raise Parked("ean_check_digit", "article.ean", article=article, value=as_text(value))
    return code or None
