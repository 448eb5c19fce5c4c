"""Logic of the flow `products`: articles and groups of the books become products, articles and groups of the till."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

from integration.core.compiled import compile  # noqa: A004 - of a mapping
from integration.core.errors import Reason
from integration.core.flow import Ownership, Stage
from integration.core.issues import Issue, Skip
from integration.core.links import Link
from integration.core.money import add_vat, amount, number_in_text, remove_vat
from integration.core.plan import Change, retire
from integration.core.records import CurrentRecord, Kind, Record, Unreadable, Value, clean, is_number
from integration.core.rules import EMPTY, as_text, field_owners, rules_from
from integration.core.staged_records import StagedRecord
from integration.core.traces import Trace, TraceStep
from integration.core.vat import vat_fact
from integration.flows.functions.toolbox import Tools
from integration.flows.prices import Terms, as_stored_at_till, traced
from integration.flows.products.blocked import Look, codes_at_till, find_no_records, inactive, is_alone, is_blocked
from integration.flows.products.explanations import of_change, pictured, price_trace, till_trace
from integration.flows.products.offer import (
    PRICE,
    checked_ean,
    creatable,
    is_offer,
    offer_policy,
    target_field,
    updated,
)
from integration.flows.products.pictures import OWNED, ProductPictures, picture_removal, product_picture
from integration.flows.products.settings import ProductSettings, configured_flow
from integration.flows.products.turnover import TABLE as TURNOVER_TABLE
from integration.flows.products.turnover import GroupTurnover
from integration.flows.products.variants import (
    DIFFERENT_NUMBER,
    OLDER_NUMBER,
    as_list,
    combined_product,
    distinct_variants,
    group_of,
    shared_number,
    split_number_marker,
)
from integration.flows.settings import RecordRejected, excluded_by_filter, missing_vat_rate_issue, require_filled
from integration.flows.spec import FlowLogic, TargetRecord

VAT_TABLE = "vat_codes"
VAT_CODE = "article.vat_code"
NO_TERMS, NO_PICTURES = Terms(), ProductPictures()

Numbers = Callable[[Collection[str]], Mapping[str, str]]  # numbers by article code; codes without a number are left out


class ProductsLogic(FlowLogic):
    """The logic of the flow `products`, for one version of its settings, mapping and value tables."""

    def __init__(
        self,
        settings: ProductSettings,
        mapping_body: Mapping[str, Any],
        version: int,
        tables: Mapping[str, Mapping[str, str]],
        vat_rates: Mapping[str, Decimal],
        allot: Callable[[str], str],
        linked: Numbers = lambda _: {},
        allotted: Numbers = lambda _: {},
        terms: Terms = NO_TERMS,
        pictures: ProductPictures = NO_PICTURES,
        look: Look = find_no_records,
    ) -> None:
        """Prepare everything that does not depend on a record.

        `vat_rates` are percentages by the VAT code of the source. `allot` permanently allocates a number to an article
        code. `linked` returns the numbers of linked codes, `allotted` the allocated ones. `terms` translates customer
        prices. `look` queries the till. Raises ConfigurationError if the mapping cannot be used.
        """
        mapping, tools = rules_from(mapping_body), Tools(tables)
        owned = field_owners(mapping)
        self.flow = configured_flow(settings)
        self.settings = settings
        self.mapping_version = version
        rows, owner = tools.table(TURNOVER_TABLE.name), Ownership(settings.turnover_group_owner)
        self._turnover = GroupTurnover.from_mapping(mapping.rules, rows, owner)
        self.policy = terms.policy(self._turnover.policy({**OWNED, **offer_policy(owned, settings.price_field)}))
        self.retires = settings.retire
        is_ours = self.policy.get("article.ean") in (Ownership.KEEP_EQUAL, Ownership.KEEP_UNLESS_CHANGED)
        self.frees = frozenset({"ean"}) if is_ours and settings.content.update else frozenset[str]()
        self._vat_source = next((rule.source for rule in mapping.rules if rule.target == VAT_CODE), "") or "vat_code"
        self._vat_rates = vat_rates
        self._rates = {currency.upper(): rate for currency, rate in settings.rates.items()}
        self._allot, self._linked, self._allotted = allot, linked, allotted
        self._terms, self._pictures, self._look = terms, pictures, look
        self._offers = settings.offer.create or settings.offer.update
        self._groups = compile(mapping, tools, {Kind.GROUP})
        self._articles = compile(mapping, tools, {Kind.PRODUCT, Kind.ARTICLE})
        self.reads = settings.fields_read() | self._groups.reads | self._articles.reads

    # ---- each record by itself

    def stage(self, stage: Stage, records: Sequence[Record]) -> list[StagedRecord]:
        """Return the records, each mapped and checked separately; see `FlowLogic`."""
        if stage.target is Kind.GROUP:
            return [self._group(record) for record in records]
        if stage.target is Kind.PICTURE:
            taking_part = [record for record in records if not self._skip_if_excluded(record, is_there=True)]
            return self._pictures.staged(taking_part, self._parent)
        linked = self._linked([record.key for record in records])
        ruled = self._allotted(list(linked)) if self.settings.sku_rule == "allotted" else {}
        till_numbers = self._blocked_at_till(
            [record for record in records if is_blocked(record) and record.key not in linked]
        )
        return [
            self._article(
                record, linked.get(record.key, ""), ruled.get(record.key, ""), till_numbers.get(record.key, "")
            )
            for record in records
        ]

    def _blocked_at_till(self, unlinked: Sequence[Record]) -> dict[str, str]:
        """Return the numbers of these blocked, unlinked articles that the till has, so that they go off sale."""
        if self.settings.blocked != "off_sale" or not (unlinked and self.settings.offer.update):
            return {}
        if self.settings.sku_rule == "allotted":
            return codes_at_till(self._allotted([record.key for record in unlinked]), self._look)
        return codes_at_till(
            {record.key: number for record in unlinked if (number := _rule_number_or_empty(record, self.settings))},
            self._look,
        )

    def _group(self, record: Record) -> StagedRecord:
        key, title = record.key, as_text(record.values.get("name")) or record.key
        if not self.settings.groups:
            return StagedRecord(key, key, title, skip=Skip("groups_not_sent", key, {"key": key}))
        mapped = self._groups.apply(record)
        values = {name.partition(".")[2]: clean(value) for name, value in mapped.values.items()}
        try:
            self._require_no_issues(mapped.issues, record)
            require_filled(values, "name", "group.name", self.flow.target)
        except RecordRejected as rejected:
            return StagedRecord(key, key, title, issue=rejected.issue(key))
        return StagedRecord(key, key, title, record=Record(Kind.GROUP, key, values))

    def _article(self, record: Record, linked: str, allotted: str, till_number: str) -> StagedRecord:
        """Map one article to a product with that article alone; `shape` combines the articles of one parent.

        A `linked` article keeps its number, whatever the rule would give now. A blocked article without a link that the
        till has (`till_number`) is only taken off sale.
        """
        key, title = record.key, as_text(record.values.get("name")) or record.key
        parent = self._parent(record)
        if skip := self._skip_if_excluded(record, is_there=bool(linked or till_number)):
            return StagedRecord(key, parent, title, skip=skip)
        if till_number:
            return inactive(key, parent, title, till_number)
        try:
            product, article = self._mapped_values(record)
            number = linked or self._number(record)
        except RecordRejected as rejected:
            if linked and self._offers and is_blocked(record):
                return inactive(key, parent, title, linked)  # the mapping can wait, taking it off sale cannot
            return StagedRecord(key, parent, title, mark=self._claimed_ean(record), issue=rejected.issue(key))
        flags = {DIFFERENT_NUMBER: self._keeps_old_number(record, linked, allotted)} if linked else {}
        is_inactive = article.get("active") is False
        freed = dict.fromkeys(self.frees & article.keys()) if is_inactive else {}  # another article may need its EAN
        part = Record(Kind.ARTICLE, number, article | freed | flags, source=key)
        mark = "" if is_inactive else as_text(article.get("ean"))
        return StagedRecord(key, parent, title, number, mark, Record(Kind.PRODUCT, parent, product, (part,)))

    def claimed_marks(self, stage: Stage, record: Unreadable) -> frozenset[str]:
        """Return the EANs that an unreadable article claims: any of them, if it has a value more than once."""
        if stage.target is not Kind.PRODUCT:
            return frozenset()
        values, readings = record.readable_values, [record.readable_values]
        readings += [
            {**values, name: text} for name, texts in values.items() if isinstance(texts, tuple) for text in texts
        ]
        return frozenset(self._claimed_ean(replace(record, values=reading)) for reading in readings) - {""}

    def _claimed_ean(self, record: Record) -> str:
        """Return the EAN that a parked article will have: until then another article with it is parked as well."""
        if is_blocked(record):
            return ""
        value = self._articles.apply(record).values.get("article.ean")
        try:
            return as_text(checked_ean(as_stored_at_till("ean", clean(value)), record.key))
        except RecordRejected:
            return ""

    def _parent(self, record: Record) -> str:
        return as_text(record.values.get(self.settings.parent_field)).strip() or record.key

    def _skip_if_excluded(self, record: Record, *, is_there: bool) -> Skip | None:
        stays = self.settings.blocked == "inactive" or (self.settings.blocked == "off_sale" and is_there)
        if is_blocked(record) and not stays:
            return Skip("blocked", record.key, {"key": record.key})
        return excluded_by_filter(record, self.settings.filters)

    def _mapped_values(self, record: Record) -> tuple[dict[str, Value], dict[str, Value]]:
        """Return the values of the product and those of the article. Raises RecordRejected."""
        mapped = self._articles.apply(record)
        issues = mapped.issues if self._offers else [issue for issue in mapped.issues if not is_offer(issue.field)]
        self._require_no_issues(issues, record)
        product: dict[str, Value] = {}
        article: dict[str, Value] = {}
        for target, value in mapped.values.items():
            kind, name, sold = target_field(target)
            if kind is Kind.PRODUCT:
                product[name] = clean(value)
            elif self._offers or not sold:
                article[name] = as_stored_at_till(name, clean(value))
        require_filled(product, "name", "product.name", self.flow.target)
        if "groups" in product:
            product["groups"] = as_list(product["groups"])
        if not self.settings.groups:
            product.pop("groups", None)
        article = self._turnover.with_turnover_group(record, article)
        if "ean" in article:
            article["ean"] = checked_ean(article["ean"], record.key)
        if self._offers and is_blocked(record) and self.settings.blocked == "off_sale":
            article["active"] = False  # overrides the mapping
        if self._offers:
            self._check_vat(article, record)
            if "price" in article:
                article[self.settings.price_field] = self._price(article.pop("price"), record)[-1].value
            incl = self.settings.price_sent == "incl"
            article |= self._terms.of_article(record, lambda price: self._sent_price(price, record), incl=incl)
        return product, article

    def _require_no_issues(self, issues: Iterable[Issue], record: Record) -> None:
        for issue in issues:
            if issue.facts.get("table") == VAT_TABLE:
                raise self._unmapped_vat(record, issue.facts["value"])
            raise RecordRejected(issue.cause, issue.field, **{**issue.facts, "system": self.flow.target})

    def _check_vat(self, article: Mapping[str, Value], record: Record) -> None:
        if "vat_code" in article and article["vat_code"] in EMPTY:
            raise self._unmapped_vat(record, self._vat_code(record))

    def _unmapped_vat(self, record: Record, code: str) -> RecordRejected:
        if not code:
            return RecordRejected("vat_code_missing", VAT_CODE, article=record.key, system=self.flow.source)
        rate = self._vat_rates.get(code)
        facts = {"code": code, "rate": "" if rate is None else f"{rate.normalize():f}%", "country": ""}
        facts["vat"] = vat_fact(code, rate, self.flow.source)
        return RecordRejected("vat_code_unmapped", VAT_CODE, **facts, article=record.key, system=self.flow.target)

    # ---- number and price

    def _number(self, record: Record) -> str:
        """Return the article number under the configured rule. Raises RecordRejected."""
        return self._allot(record.key) if self.settings.sku_rule == "allotted" else _rule_number(record, self.settings)

    def _keeps_old_number(self, record: Record, linked: str, allotted: str) -> bool:
        """Return True if the rule would give a linked article another number, or none."""
        if self.settings.sku_rule == "allotted":
            return linked != allotted
        return linked != _rule_number_or_empty(record, self.settings)

    def _price(self, price: Value, record: Record) -> list[TraceStep]:
        """Return the steps from the mapped price to the sent price, which is the last step. Raises RecordRejected."""
        number = self._usable_price(price, record)
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

    def _sent_price(self, price: Decimal, record: Record) -> Decimal:
        """Return a customer price of the books as it is sent, with the same VAT basis as the ordinary price.

        Raises RecordRejected.
        """
        return amount(as_text(self._price(price, record)[-1].value))

    def _usable_price(self, price: Value, record: Record) -> Decimal:
        try:
            value = number_in_text(price) if isinstance(price, str) and price not in EMPTY else price
            number = None if value in EMPTY or isinstance(value, bool) else amount(value, 6)
        except ValueError:
            number = None
        if number is None or number < 0 or (not number and self.settings.zero_price == "park"):
            raise RecordRejected("price_missing", PRICE, article=record.key, value=as_text(price))
        return number

    def _currency_rate(self, record: Record) -> Decimal | None:
        base = self.settings.default_currency
        currency = as_text(record.values.get("currency")).strip().upper()
        if not currency or currency == base.upper():
            return None
        rate = self._rates.get(currency)
        if rate is None:
            raise RecordRejected("currency_without_rate", PRICE, currency=currency, base_currency=base)
        return rate

    def _percent(self, record: Record) -> Decimal:
        code = self._vat_code(record)
        if not code:
            raise self._unmapped_vat(record, code)
        if code not in self._vat_rates:
            raise missing_vat_rate_issue(VAT_CODE, code, self.flow.source)
        return self._vat_rates[code]

    def _vat_code(self, record: Record) -> str:
        return as_text(record.values.get(self._vat_source)).strip()

    # ---- the members of one parent together

    def shape(
        self,
        stage: Stage,
        members: Sequence[StagedRecord],
        duplicates: Mapping[str, tuple[str, ...]],
        marks: Mapping[str, tuple[str, ...]],
    ) -> TargetRecord:
        """Return the target record of the members of one parent; see `FlowLogic`."""
        if stage.target is Kind.PICTURE:
            return product_picture(members)
        parked: list[Issue] = [member.issue for member in members if member.issue]
        skipped = tuple(member.skip for member in members if member.skip)
        good: list[tuple[StagedRecord, Record]] = []
        noted: tuple[str, ...] = ()
        for member in members:
            if member.record is None:
                continue
            record, number = split_number_marker(member.record)
            issue = shared_number(member, {} if number else duplicates, marks)
            if issue is None:
                good.append((member, record))
                noted += (OLDER_NUMBER,) * (number == "older")
            else:
                parked.append(issue)
        if stage.target is Kind.PRODUCT:
            good, clash = distinct_variants(good)
            parked += clash
        if not good:
            return TargetRecord(None, members[0].title, group_of(members), tuple(parked), skipped)
        desired = good[0][1] if stage.target is Kind.GROUP else combined_product([record for _, record in good])
        desired = self._terms.withdrawn(desired) if stage.target is Kind.PRODUCT and self._offers else desired
        title = as_text(desired.values.get("name")) or members[0].title
        return TargetRecord(desired, title, group_of(members), tuple(parked), skipped, counted_codes=noted)

    def objection(
        self, stage: Stage, desired: Record, current: CurrentRecord | None, link: Link | None
    ) -> Issue | None:
        """Return an issue if the till's article under one of our numbers belongs to another article code.

        Linked articles are ours, even if somebody changed their external id since.
        """
        if stage.target is Kind.GROUP or current is None:
            return None
        ours = {part.key for part in link.agreed.parts} if link and link.agreed else set()
        owners = {part.key: as_text(part.values.get("external_id")).strip() for part in current.record.parts}
        for part in desired.parts:
            owner = owners.get(part.key, "")
            if owner and owner != part.source and part.key not in ours:
                facts = {"key": part.source, "number": part.key, "article": part.source, "other": owner}
                return Issue("article_number_taken", desired.key, "number", facts)
        return None

    def writable_part(self, stage: Stage, desired: Record, current: CurrentRecord | None) -> Record | Skip:
        """Return the part of the desired record that may be created or updated now; see `FlowLogic`.

        An article that may not be created yet remains as a part without values: it is counted and not written.
        """
        content = self.settings.content
        if stage.target is Kind.PICTURE:
            return desired
        if current is None and stage.target is Kind.PRODUCT and is_alone(desired):
            return Skip("blocked", desired.key, {"key": desired.key})
        if current is None and not content.create:
            return Skip("create_switched_off", desired.key, {"key": desired.key})
        values = desired.values if current is None or content.update else {}
        current_parts = {part.key: part for part in current.record.parts} if current else {}
        parts = tuple(
            self._turnover.without_existing_group(updated(part, self.settings), current_parts[part.key])
            if part.key in current_parts
            else creatable(part, self.settings)
            for part in desired.parts
        )
        return replace(desired, values=values, parts=parts)

    def withdraw(self, stage: Stage, change: Change) -> Change | Skip | Issue:
        """Return the retirement of a created product; a group stays, because it may contain other articles."""
        if stage.target is Kind.PICTURE:
            return picture_removal(change)
        parts = () if stage.target is Kind.GROUP else change.agreed.parts
        active = frozenset(part.source for part in parts if part.values.get("active") is not False)
        if not active:
            return super().withdraw(stage, change)
        return retire(change.agreed, active, change.agreed, title=change.title, frees=self.frees)

    def reversible(self, change: Change) -> Change:
        """Return the reversible part of an update: not a turnover group if the till had none."""
        return self._turnover.reversible(change)

    # ---- why

    def trace(self, stage: Stage, record: Record) -> list[Trace]:
        if stage.target is Kind.PICTURE:
            pictures = self._pictures.staged([record], self._parent)
            return [pictured(picture.record, self._pictures.field) for picture in pictures if picture.record]
        if stage.target is Kind.GROUP:
            return self._groups.trace(record)
        ruled = [self._sent_trace(trace, record) for trace in self._articles.trace(record)]
        incl = self.settings.price_sent == "incl"
        terms = partial(self._terms.of_article, record, lambda price: self._sent_price(price, record), incl=incl)
        return [*ruled, *self._turnover.traces(record), *traced(Kind.ARTICLE, record.key, terms)]

    def _sent_trace(self, trace: Trace, record: Record) -> Trace:
        """Return the trace of a field as the till stores it; that of a price includes the steps to the sent price."""
        if trace.target != PRICE:
            return till_trace(trace)
        target = f"article.{self.settings.price_field}"
        if trace.issue is not None or PRICE not in self._articles.apply(record).values:
            return replace(trace, target=target)
        try:
            return price_trace(target, trace, self._price(trace.value, record))
        except RecordRejected as rejected:
            return Trace(target, trace.steps, None, rejected.issue(record.key))

    def change_reasons(self, change: Change) -> Mapping[str, Reason]:
        """Return reasons without a rule: the article is gone, goes off sale, or has no offer yet."""
        return of_change(change, self.settings)


def _rule_number(record: Record, settings: ProductSettings) -> str:
    """Return the number from the code or a field of an article. Raises RecordRejected for an invalid number."""
    value: Value = record.values.get(settings.sku_field) if settings.sku_rule == "field" else record.key
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = f"{value:.0f}"
    number = as_text(value).strip()
    facts = {"article": record.key, "value": number}
    if not is_number(number) or not int(number):
        raise RecordRejected("sku_not_numeric", "number", **facts)
    if number.startswith("0"):
        raise RecordRejected("sku_leading_zero", "number", **facts, number=str(int(number)))
    return number


def _rule_number_or_empty(record: Record, settings: ProductSettings) -> str:
    """Return the same number; an empty string if it is invalid."""
    try:
        return _rule_number(record, settings)
    except RecordRejected:
        return ""
