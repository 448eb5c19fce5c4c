"""What is no revenue, and on which account it stands: gift cards, deposits and whatever else the till keeps for others.

The till's list of turnover groups says what each of them is for. A line of one that is no revenue keeps its VAT: Pfand
is taxed like the drink in the bottle, Dutch statiegeld is not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from integration.core.money import CENT, HUNDRED, amount
from integration.core.records import Kind, Record
from integration.core.rows import EVERY
from integration.core.rules import as_text
from integration.core.totals.categories import GROUPS, METHODS, LineCategory, Purpose, Tender, category_of, tender_of
from integration.core.totals.sold import NOTHING, UNTAXED, Sums, VatSum
from integration.core.vat import vat_fact
from integration.flows.orders.parties import CompletedDocument
from integration.flows.settings import TILL, RecordRejected, missing_vat_rate_issue

BALANCE_ACCOUNTS = "balance_accounts"


@dataclass(frozen=True, slots=True)
class Turnover:
    """What the till says of its turnover groups, and of the gift cards that payment methods take."""

    types: Mapping[str, str] = field(default_factory=dict)  # group to the word for what it is for
    vat_codes: Mapping[str, str] = field(default_factory=dict)  # group to its usual VAT code
    cards: Mapping[str, str] = field(default_factory=dict)  # payment method to group

    def vouchers(self, rates: Mapping[str, Decimal]) -> list[str]:
        """Return the groups of gift cards that are sold with VAT, at these rates of the till."""
        cards = (group for group, word in self.types.items() if GROUPS.get(word) is LineCategory.GIFT_CARD)
        return [group for group in cards if rates.get(self.vat_codes.get(group, ""))]

    def may_take_vouchers(self, type_: str, rates: Mapping[str, Decimal]) -> bool:
        """Tell whether a payment method of this type may take vouchers of which the till does not say who takes them.

        Only a type that says nothing can hide that.
        """
        told = set(self.cards.values())
        return METHODS.get(type_) is Tender.SUSPENSE and any(group not in told for group in self.vouchers(rates))


@dataclass(frozen=True, slots=True)
class VoucherRedemption:
    """What was paid with single-purpose vouchers of one turnover group, with their account and the till's VAT code."""

    account: str
    code: str
    amount: Decimal


def account_for(accounts: Mapping[str, str], group: str, category: LineCategory) -> str:
    """Return the account of a group, or of its category; that of every other only of what is known to be no revenue."""
    return accounts.get(group) or accounts.get(category) or (accounts.get(EVERY, "") if category.is_balance else "")


@dataclass(frozen=True, slots=True)
class Balances:
    """The accounts of what is no revenue, by turnover group; what a person said of gift cards, and the till of both."""

    accounts: Mapping[str, str]
    purposes: Mapping[str, Purpose]  # of gift cards, by payment method
    turnover: Turnover
    rates: Mapping[str, Decimal]  # of the till, in percent

    # ---- lines

    def category(self, line: Record) -> LineCategory:
        """Return what a line is. One that the till does not put into any group is revenue."""
        group = turnover_group_of(line)
        found = category_of(_text(line, "price_type"), _text(line, "turnover_type"), self.turnover.types.get(group, ""))
        return LineCategory.REVENUE if found is LineCategory.UNKNOWN and not group else found

    def account(self, document: CompletedDocument, line: Record) -> str | None:
        """Return the account of a line that is no revenue, None of one that is.

        Raises RecordRejected where none is set.
        """
        category, group = self.category(line), turnover_group_of(line)
        if category is LineCategory.REVENUE and group not in self.accounts:  # a row says of a group that it is none
            return None
        name = _text(line, "text") or group or category
        return self._account(document, group, category, name)

    def is_taxed(self, document: CompletedDocument, line: Record, method: str) -> bool:
        """Tell whether VAT was charged on a line that is no revenue, or would have been but for reverse charge.

        Raises RecordRejected where the till tells neither that nor a percentage.
        """
        incl, excl = (line.values.get(name) for name in ("amount_incl", "amount_excl"))
        whole = incl if isinstance(incl, Decimal) and isinstance(excl, Decimal) else None
        if whole is not None and whole != excl:
            return True
        if method in UNTAXED:
            never = self.category(line) in (LineCategory.GIFT_CARD, LineCategory.CASH_IN, LineCategory.PAYMENT)
            return not never and self._is_taxed_at_home(document, line)
        charged = self._charged(line)
        return bool(charged) and (whole is None or abs(whole) * charged / (HUNDRED + charged) < CENT)

    def _is_taxed_at_home(self, document: CompletedDocument, line: Record) -> bool:
        """Tell it of a line without VAT by its own code, or by the usual one of its group where the till put another.

        Raises RecordRejected where the till tells neither: its 0 % may be that of the deposit, or that of the buyer.
        """
        group, own = turnover_group_of(line), _text(line, "vat_code")
        codes = [code for code in (own, self.turnover.vat_codes.get(group, "")) if code not in ("", "0")]
        if any(self.rates.get(code) for code in codes):
            return True
        for code in codes:
            if code not in self.rates:
                raise missing_vat_rate_issue("line.vat_code", code, TILL)
        if codes == [own]:
            facts = {"document": document.title, "kind": _text(line, "text") or group, "group": group, "system": TILL}
            raise RecordRejected("deposit_vat_unclear", "line.vat_code", **facts)
        return False

    def _charged(self, line: Record) -> Decimal:
        """Return the percentage of a line, nothing where it has no VAT code.

        Raises RecordRejected where none is told.
        """
        rate, code = line.values.get("vat_percent"), _text(line, "vat_code")
        if isinstance(rate, Decimal):
            return rate
        if code not in ("", "0") and code not in self.rates:
            raise missing_vat_rate_issue("line.vat_code", code, TILL)
        return self.rates.get(code, NOTHING)

    def _account(self, document: CompletedDocument, group: str, category: LineCategory, name: str) -> str:
        if found := account_for(self.accounts, group, category):
            return found
        # A gift card in a group of turnover wants a row for gift cards: one for the group would take its revenue too.
        of_revenue = GROUPS.get(self.turnover.types.get(group, "")) is LineCategory.REVENUE
        lacking = "" if category.is_balance and of_revenue else group
        facts = {"document": document.title, "kind": name, "group": lacking, "sort": str(category), "system": TILL}
        cause = "deposit_account_missing" if category.is_balance else "turnover_group_unknown"
        raise RecordRejected(cause, "line.account", **facts)

    # ---- payments

    def redeemed(self, document: CompletedDocument, rounding: tuple[str, ...]) -> Iterator[VoucherRedemption]:
        """Yield what was paid with vouchers that were taxed at their sale.

        Raises RecordRejected for a card nobody knows.
        """
        for method, group, code, paid in self._by_voucher(document, rounding):
            yield VoucherRedemption(self._account(document, group, LineCategory.GIFT_CARD, method), code, paid)

    def expect_untaxed(self, document: CompletedDocument, rounding: tuple[str, ...]) -> None:
        """Raise RecordRejected for a document paid with such vouchers: books that compute VAT tax it once more."""
        for method, _, _, paid in self._by_voucher(document, rounding):
            facts = {"document": document.title, "method": method, "amount": str(paid)}
            raise RecordRejected("voucher_on_order", "line.price", **facts)

    def _by_voucher(
        self, document: CompletedDocument, rounding: tuple[str, ...]
    ) -> Iterator[tuple[str, str, str, Decimal]]:
        """Yield method, turnover group, VAT code and amount of each payment with a single-purpose voucher."""
        for payment in document.record.parts:
            paid = payment.values.get("amount")
            if payment.kind is not Kind.PAYMENT or not isinstance(paid, Decimal) or not paid:
                continue
            method = _text(payment, "method")
            purpose = self.purpose(payment, rounds=method in rounding)
            if purpose is Purpose.SINGLE:
                group = self.turnover.cards.get(method) or self._only_voucher()
                code = self.turnover.vat_codes.get(group, "")
                if not code:
                    raise _unclear(document, method)
                yield method, group, code, paid
            elif purpose is None:
                raise _unclear(document, method)

    def purpose(self, payment: Record, *, rounds: bool) -> Purpose | None:
        """Return what a payment's card is for, as a person or the till says; None where it is one and neither does."""
        method = _text(payment, "method")
        if method in self.purposes:
            return self.purposes[method]
        group = self.turnover.cards.get(method)
        is_card = group is not None or bool(_text(payment, "giftcardNumber"))
        type_ = _text(payment, "type")
        tender = tender_of(type_, rounds=rounds, is_card=is_card)
        if tender is Tender.GIFT_CARD:
            rate = self.rates.get(self.turnover.vat_codes.get(group or "", ""))
            return None if rate is None else Purpose.SINGLE if rate else Purpose.MULTI
        hides = tender is Tender.SUSPENSE and self.turnover.may_take_vouchers(type_, self.rates)
        return None if hides else Purpose.NONE

    def of_card(self, method: str) -> str:
        """Return the account of the multi-purpose gift cards that a payment method takes; empty when none is set."""
        group = self.turnover.cards.get(method) or self._only(LineCategory.GIFT_CARD)
        return self._of(group, LineCategory.GIFT_CARD)

    @property
    def of_down_payments(self) -> str:
        """The account of what was paid beforehand; empty when none is set."""
        return self._of(self._only(LineCategory.DOWN_PAYMENT), LineCategory.DOWN_PAYMENT)

    @property
    def of_all(self) -> str:
        """The account of whatever has none of its own; empty when none is set."""
        return self.accounts.get(EVERY, "")

    def _of(self, group: str, category: LineCategory) -> str:
        return (self.accounts.get(group, "") if group else "") or self.accounts.get(category, "")

    def _only(self, category: LineCategory) -> str:
        """Return the only group of a category; of gift cards, the only one that is sold without VAT."""
        vouchers = self.turnover.vouchers(self.rates)
        found = [group for group, word in self.turnover.types.items() if GROUPS.get(word) is category]
        found = [group for group in found if group not in vouchers]
        return found[0] if len(found) == 1 else ""

    def _only_voucher(self) -> str:
        found = self.turnover.vouchers(self.rates)
        return found[0] if len(found) == 1 else ""


def share_of(document: CompletedDocument, one: VoucherRedemption, sold: Sums, rates: Mapping[str, Decimal]) -> VatSum:
    """Return the part of what was sold that a voucher paid for, with its VAT as the till told it for the whole.

    Raises RecordRejected when less than that was sold under its VAT code: nobody knows what the rest of it was spent
    on.
    """
    whole = sold.get(one.code, VatSum())
    if one.amount * whole.incl <= NOTHING or abs(one.amount) > abs(whole.incl):
        facts = {"amount": str(one.amount), "there": str(whole.incl), "code": one.code}
        facts["vat"] = vat_fact(one.code, rates.get(one.code), TILL)
        raise RecordRejected("voucher_too_large", "line.account", document=document.title, **facts)
    vat = whole.vat if one.amount == whole.incl else amount(one.amount * whole.vat / whole.incl)
    return VatSum(one.amount - vat, vat)


def _unclear(document: CompletedDocument, method: str) -> RecordRejected:
    return RecordRejected("gift_card_unclear", "line.account", document=document.title, method=method)


def turnover_group_of(line: Record) -> str:
    """Return the turnover group of a line; a zero means none."""
    return _text(line, "turnover_group").lstrip("0")


def _text(record: Record, name: str) -> str:
    return as_text(record.values.get(name)).strip()
