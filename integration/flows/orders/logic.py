"""Orders, invoices and receipts of the till become sales orders, trade invoices or postings, with those they are for.

A document is written once. What changes at the till after that is a question for a person, and never a second booking.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from integration.core.compiled import Compiled, compile  # noqa: A004 - of a mapping
from integration.core.flow import Ownership, Stage
from integration.core.issues import Issue, Skip
from integration.core.plan import Action, Change, Limits, Policy
from integration.core.records import Held, Kind, Record, Value
from integration.core.rules import Mapping as Rules
from integration.core.rules import Rule, Trace, as_text, policy, rules_from
from integration.core.run import Link, Staged
from integration.flows.functions.toolbox import Tools
from integration.flows.orders.balances import BALANCE_ACCOUNTS, Balances
from integration.flows.orders.bookings import NOTHING_TOLD, Bookings, BothTold
from integration.flows.orders.codes import ARTICLES, LONGEST_ARTICLE, REVENUE_ACCOUNTS, VAT_CODES, Articles, Codes
from integration.flows.orders.credits import credit
from integration.flows.orders.parties import COUNTRIES, Completion, Owner, Parties, Told, shaped
from integration.flows.orders.settings import OrderSettings, documents
from integration.flows.orders.vocabulary import expect_known
from integration.flows.settings import BOOKS, Parked, left_out
from integration.flows.spec import FlowLogic, Shaped

# Tables whose rules are off as long as nobody has filled them.
OPTIONAL = frozenset({"payment_methods", "shipping_methods", "salespersons", "cost_centres", "price_lists"})
MOST_REMEMBERED = 20_000  # documents that a filter left out
REQUIRED = ("name", "search_code", "account")  # of a new debtor


@dataclass(frozen=True, slots=True)
class _Read:
    """What one document comes to in each stage."""

    booking: Staged
    debtor: Staged | None = None
    address: Staged | None = None


class Orders(FlowLogic):
    """The logic of the flow `orders`, for one version of its settings, mapping and value tables."""

    def __init__(
        self,
        settings: OrderSettings,
        mapping_body: Mapping[str, Any],
        version: int,
        tables: Mapping[str, Mapping[str, str]],
        vat_rates: Mapping[str, Decimal],
        till_rates: Mapping[str, Decimal],
        known: Callable[[Collection[str]], set[str]],
        linked: Callable[[Collection[str]], Mapping[str, Link]],
        told: BothTold = NOTHING_TOLD,
    ) -> None:
        """Make everything ready that does not depend on a document.

        `vat_rates` and `till_rates` are percentages by the VAT codes of the books and of the till; `known` answers
        which article codes the books have, `linked` which documents are booked already; `told` is what both say
        about postings. Raises ConfigurationError when the mapping cannot be used.
        """
        rules, tools = _in_use(rules_from(mapping_body), tables), Tools(tables)
        target = settings.target
        self.flow = documents(settings.source, target, unproven=settings.unproven)
        self.settings = settings
        self.mapping_version = version
        self.policy = _policy(rules, target)
        self.limits = Limits(**settings.brakes.model_dump())
        self.most = settings.most
        self._filters = settings.sifting()
        self._complete = Completion(settings, tables.get(COUNTRIES, {}), tools.function("country", ()))
        self._debtors, self._addresses = (compile(rules, tools, {kind}) for kind in (Kind.DEBTOR, Kind.ADDRESS))
        self._parties = Parties(settings, self._debtors, self._addresses, self._complete)
        self._articles = Articles(_of_articles(rules, tools), tables.get(ARTICLES, {}), settings.collective_article)
        self._bookings = Bookings(
            compile(rules, tools, {target}),
            compile(rules, tools, {Kind.LINE}),
            Codes(
                settings,
                tables.get(VAT_CODES, {}),
                tables.get(REVENUE_ACCOUNTS, {}),
                vat_rates,
                till_rates,
                Balances(tables.get(BALANCE_ACCOUNTS, {}), settings.gift_cards, told.turnover, till_rates),
            ),
            {rule.target for rule in rules.rules},
            told,
        )
        self._required = tuple(name for name in REQUIRED if f"debtor.{name}" in self.policy)
        self._ask_known = known
        self._linked = linked
        self._known: set[str] = set()
        self._outside: dict[str, None] = {}
        self._page: tuple[Sequence[Record], list[_Read]] | None = None

    def watched(self, change: Change) -> tuple[str, ...]:
        """Return the codes of the brakes that count this change by itself: that of new debtors."""
        return ("brake_new_debtors",) if change.kind is Kind.DEBTOR and change.action is Action.CREATE else ()

    # ---- each document by itself

    def stage(self, stage: Stage, records: Sequence[Record]) -> list[Staged]:
        """Return what each document comes to in a stage; see `FlowLogic`. Debtors and addresses only where needed."""
        page = self._page
        if page is None or page[0] is not records:  # the stages of one page are asked for one after the other
            page = self._page = (records, self._reads(records))
        found = ({Kind.DEBTOR: one.debtor, Kind.ADDRESS: one.address}.get(stage.target, one.booking) for one in page[1])
        return [one for one in found if one is not None]

    def _reads(self, records: Sequence[Record]) -> list[_Read]:
        """Read a page of documents, asking for what is booked and for all articles once."""
        originals = [as_text(record.values.get("credit_of")) for record in records]
        booked = self._linked([*(record.key for record in records), *filter(None, originals)])
        done: dict[str, _Read] = {}
        told: dict[str, tuple[Told, dict[str, str]]] = {}
        for record in records:
            if (read := self._at_once(record, booked)) is not None:
                done[record.key] = read
                continue
            try:
                whole = self._complete(record)
                told[record.key] = whole, self._named(whole)
            except Parked as parked:
                done[record.key] = _Read(_staged(record, issue=_issue(parked, record)))
        self._learn(code for whole, articles in told.values() for code in self._asked_for(whole, articles))
        for record in sorted(records, key=lambda one: bool(one.values.get("credit_of"))):  # a sale before its refund
            if record.key in told:
                done[record.key] = self._read(*told[record.key], booked, done)
        return [done[record.key] for record in records]

    def _at_once(self, record: Record, booked: Mapping[str, Link]) -> _Read | None:
        """Return what needs no mapping: what is left out, and what is in the books or must not get there.

        A filter never hides what is booked.
        """
        try:
            expect_known(record, self.settings)
        except Parked as parked:
            return _Read(_staged(record, issue=_issue(parked, record)))
        if record.key not in booked and (skip := left_out(record, self._filters)):
            self._outside[record.key] = None
            if len(self._outside) > MOST_REMEMBERED:
                self._outside.pop(next(iter(self._outside)), None)
            return _Read(_staged(record, skip=replace(skip, facts={**skip.facts, "key": _title(record)})))
        self._outside.pop(record.key, None)
        if record.key not in booked and record.values.get("cancelled") is not True:
            return None
        try:
            return _Read(_staged(record, self._bookings.brief(record, booked.get(record.key))))
        except Parked as parked:
            return _Read(_staged(record, issue=_issue(parked, record)))

    def _named(self, told: Told) -> dict[str, str]:
        """Return the articles that the lines name; a posting knows none."""
        return {} if self.settings.target is Kind.POSTING else self._articles.named(told)

    def _asked_for(self, told: Told, articles: Mapping[str, str]) -> list[str]:
        return [*articles.values(), *self._articles.stand_ins(told, articles).values()]

    def _learn(self, codes: Iterable[str]) -> None:
        """Ask which of these articles the books have; what they have is remembered."""
        asked = {code for code in codes if code and len(code) <= LONGEST_ARTICLE} - self._known
        if asked:
            self._known |= self._ask_known(asked)

    def _read(
        self, told: Told, articles: Mapping[str, str], booked: Mapping[str, Link], done: Mapping[str, _Read]
    ) -> _Read:
        record = told.record
        try:
            self._expect_original(told, booked, done)
            owner = self._parties.owner(told)
            settled = self._articles.settled(told, articles, self._known)
            address = self._address(told, owner)
            booking = self._bookings.booking(told, owner, address.parent if address else "", settled)
        except Parked as parked:
            return _Read(_staged(record, issue=_issue(parked, record)))
        if not any(part.kind is Kind.LINE for part in booking.parts):
            facts = {"key": told.title, "document": told.title}
            return _Read(_staged(record, skip=Skip("document_empty", record.key, facts)))
        debtor = self._parties.debtor(told) if owner.debtor else None
        return _Read(_staged(record, booking), debtor, address)

    def _address(self, told: Told, owner: Owner) -> Staged | None:
        """Return the address goods go to; a posting knows none."""
        return None if self.settings.target is Kind.POSTING else self._parties.address(told, owner)

    def _expect_original(self, told: Told, booked: Mapping[str, Link], done: Mapping[str, _Read]) -> None:
        """Raise Parked for a refund whose sale is neither booked, nor about to be, nor left out of the flow."""
        original = told.text("credit_of")
        if not original or original in booked or original in self._outside:
            return
        there = done.get(original)
        if there is None or (there.booking.record is None and there.booking.skip is None):
            name = there.booking.title if there else original
            raise Parked("refund_before_order", "credit_of", document=told.title, original=name)

    # ---- what documents have in common

    def shape(
        self,
        stage: Stage,
        members: Sequence[Staged],
        duplicates: Mapping[str, tuple[str, ...]],
        marks: Mapping[str, tuple[str, ...]],
    ) -> Shaped:
        """Return what the members of one parent come to: of debtors and addresses as the newest document has them."""
        if not stage.once:
            return shaped(members, stage.target)
        (one,) = members
        return Shaped.alone(one)

    def objection(self, stage: Stage, desired: Record, held: Held | None, link: Link | None) -> Issue | None:
        """Return why what the books hold is not what is meant, or why a person has to decide; see `FlowLogic`."""
        if stage.target is Kind.DEBTOR:
            return self._debtor_objection(desired, held, link)
        if stage.target is Kind.ADDRESS:  # of several that say the same, any will do
            return None
        return _booking_objection(desired, held, link)

    def _debtor_objection(self, desired: Record, held: Held | None, link: Link | None) -> Issue | None:
        customer = as_text(desired.values.get("name")) or desired.key
        documents_ = ",".join(_listed(desired.values.get("documents")))
        facts = {"key": desired.key, "customer": customer, "system": BOOKS, "documents": documents_}
        if held is None:
            return None if link is not None else self._creation_objection(desired, facts)
        if held.others:
            candidates = ", ".join((held.reference, *held.others))
            return Issue("customer_ambiguous", desired.key, "", facts | {"candidates": candidates})
        flags = ("blocked", "blocked_for_orders") if self.settings.target is Kind.SALES_ORDER else ("blocked",)
        if any(held.record.values.get(name) is True for name in flags):
            return Issue("debtor_blocked", desired.key, "", facts | {"debtor": held.reference, "document": documents_})
        return None

    def _creation_objection(self, desired: Record, facts: Mapping[str, str]) -> Issue | None:
        """Return why a debtor that the books do not have cannot be made."""
        if not self.settings.create_debtors:
            return Issue("debtor_creation_off", desired.key, "", facts)
        for name in self._required:
            if not desired.values.get(name):
                field = f"debtor.{name}"
                return Issue("required_field_empty", desired.key, field, {**facts, "field": field})
        return None

    def fitting(self, stage: Stage, desired: Record, held: Held | None) -> Record | Skip:
        """Return the record as it is; or why a document is not booked: cancelled in time, or in the books already.

        What is linked goes through, so that it counts as unchanged.
        """
        if not stage.once:
            return desired
        number = as_text(desired.values.get("number")) or desired.key
        facts = {"key": number, "document": number}
        if held is None:
            is_cancelled = desired.values.get("cancelled") is True
            return Skip("document_cancelled", desired.key, facts) if is_cancelled else desired
        if desired.values.get("booked_as"):
            return desired
        return Skip("already_in_target", desired.key, facts | {"reference": held.reference, "system": BOOKS})

    def withdraw(self, stage: Stage, change: Change) -> Change | Skip:
        """Return the document that credits one that was booked; debtors and addresses stay, for they may be in use."""
        credited = credit(change) if stage.once else None
        return credited or super().withdraw(stage, change)

    # ---- why

    def trace(self, stage: Stage, record: Record) -> list[Trace]:
        """Return for every target field how it came to its value from this document, as far as it can be made."""
        try:
            told = self._complete(record)
            if stage.target is Kind.DEBTOR:
                customer = told.customer
                return self._debtors.trace(self._parties.debtor_source(told, customer)) if customer else []
            if stage.target is Kind.ADDRESS:
                source = self._parties.address_source(told)
                return self._addresses.trace(source) if source else []
            articles = self._named(told)
            self._learn(self._asked_for(told, articles))
            return self._bookings.trace(told, self._articles.settled(told, articles, self._known))
        except Parked as parked:
            target = parked.field or f"{stage.target}.reference"
            return [Trace(target, (), None, _issue(parked, record))]


def _booking_objection(desired: Record, held: Held | None, link: Link | None) -> Issue | None:
    """Return an issue when the till did something to a document that is booked, or nobody knows which one it is."""
    if held is None and link is None:
        return None
    values, agreed = desired.values, link.agreed if link else None
    number = as_text(values.get("number")) or desired.key
    reference = held.reference if held else link.reference if link else ""
    before = agreed.values.get("sold_incl") if agreed else None
    now = values.get("sold_incl")
    facts = {"key": desired.key, "document": number, "reference": reference, "system": BOOKS}
    if held is not None and held.others and (link is None or agreed is not None):
        both = (held.reference, *held.others)
        facts |= {"reference": as_text(values.get("reference")), "candidates": ", ".join(both)}
        if link is None:
            return Issue("reference_found_twice", desired.key, "", facts)
        first = link.reference if link.reference in both else held.reference
        facts |= {"number": first, "other": ", ".join(one for one in both if one != first)}
        return Issue("document_doubled", desired.key, "", facts)
    if link is None and held is not None and _is_of_another(desired, held.record):
        facts |= {"reference": as_text(values.get("reference_before")), "number": held.reference}
        return Issue("reference_of_before", desired.key, "", facts)
    if values.get("cancelled") is True:
        amount = as_text(now if before is None else before)
        return Issue("document_cancelled_after_booking", desired.key, "", facts | {"amount": amount})
    digest = agreed.values.get("digest") if agreed else None
    if digest and digest != values.get("digest"):
        difference = now - before if isinstance(now, Decimal) and isinstance(before, Decimal) else None
        sums = {"difference": as_text(difference), "before": as_text(before), "after": as_text(now)}
        return Issue("document_changed_after_booking", desired.key, "", facts | sums)
    if held is None and agreed is None:  # linked by hand to what is not there: never a reason to make another one
        return Issue("target_record_missing", desired.key, "", facts | {"key": number})
    return None


def _is_of_another(desired: Record, held: Record) -> bool:
    """Tell whether what was found under the reference of earlier versions cannot be this document.

    To them an order and an invoice of one number were the same; their amounts say which one was booked.
    """
    before = as_text(desired.values.get("reference_before"))
    if not before or as_text(held.values.get("reference")).casefold() != before.casefold():
        return False
    lines = [[part for part in one.parts if part.kind is Kind.LINE] for one in (desired, held)]
    sums = [sum((_amount(part) for part in some), Decimal(0)) for some in lines]
    return bool(lines[0]) and sums[0] != sums[1]


def _amount(line: Record) -> Decimal:
    """Return what a line comes to, of a posting or of an order, before any discount."""
    amount, quantity, price = (line.values.get(name) for name in ("amount", "quantity", "price"))
    if isinstance(amount, Decimal):
        return amount
    return quantity * price if isinstance(quantity, Decimal) and isinstance(price, Decimal) else Decimal(0)


def _staged(
    document: Record, record: Record | None = None, *, issue: Issue | None = None, skip: Skip | None = None
) -> Staged:
    return Staged(document.key, document.key, _title(document), record=record, issue=issue, skip=skip)


def _title(document: Record) -> str:
    """Return the number people know a document by."""
    return as_text(document.values.get("number")).strip() or document.key


def _issue(parked: Parked, document: Record) -> Issue:
    issue = parked.issue(document.key)
    return replace(issue, facts={**issue.facts, "key": _title(document), **_sold(document)})


def _sold(document: Record) -> dict[str, str]:
    """Return what a document comes to, as its issue carries it: how much waits is what makes a cause urgent."""
    total = document.values.get("total_incl")
    return {"sold": as_text(total)} if isinstance(total, Decimal) else {}


def _in_use(rules: Rules, tables: Mapping[str, Mapping[str, str]]) -> Rules:
    """Return the rules without those for which somebody would have to fill a table first, and need not."""
    off = {name for name in OPTIONAL if not tables.get(name)}
    return Rules(rules.version, tuple(rule for rule in rules.rules if rule.table not in off))


def _of_articles(rules: Rules, tools: Tools) -> Compiled:
    """Return the rule by which a line names its article, which is asked for before all others."""
    found = tuple(rule for rule in rules.rules if rule.target == "line.article")
    return compile(Rules(rules.version, found or (Rule(target="line.article", source="code"),)), tools)


def _policy(rules: Rules, target: Kind) -> Policy:
    """Return who owns what: documents and addresses are written once; pointers, date and reference always."""
    owned = dict(policy(rules))
    for name, who in owned.items():
        if not name.startswith("debtor.") and who is not Ownership.NEVER:
            owned[name] = Ownership.ON_CREATE
    always = [f"{target}.{name}" for name in ("reference", "date", "debtor", "debtor_number", "address")]
    always += ["address.debtor", "address.debtor_number", "line.vat_base"]
    always += ["sales_order.trade_invoice", "line.article"] if target is Kind.SALES_ORDER else []
    return owned | dict.fromkeys(always, Ownership.ON_CREATE)


def _listed(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()
