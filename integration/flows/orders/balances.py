"""Accounts of amounts that are not revenue, such as gift cards, deposits and money held for others.

The till's list of turnover groups gives the type of each group. A line that is not revenue keeps its VAT: a German
bottle deposit (Pfand) is taxed like the drink, a Dutch one (statiegeld) is not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from integration.core.days.till import till_text
from integration.core.grouping import sum_by_key
from integration.core.money import CENT, HUNDRED, amount
from integration.core.records import Kind, Record
from integration.core.rows import EVERY
from integration.core.totals.categories import GROUPS, METHODS, LineCategory, Purpose, Tender, category_of, tender_of
from integration.core.totals.sold import NOTHING, UNTAXED, Sums, VatSum
from integration.core.vat import vat_fact
from integration.flows.orders.parties import CompletedDocument
from integration.flows.settings import TILL, RecordRejected, missing_vat_rate_issue

BALANCE_ACCOUNTS = "balance_accounts"


@dataclass(frozen=True, slots=True)
class Turnover:
    """Facts of the till about its turnover groups, and about the gift cards that payment methods accept."""

    types: Mapping[str, str] = field(default_factory=dict)  # group to its type
    vat_codes: Mapping[str, str] = field(default_factory=dict)  # group to its usual VAT code
    cards: Mapping[str, str] = field(default_factory=dict)  # payment method to turnover group

    def vouchers(self, rates: Mapping[str, Decimal]) -> list[str]:
        """Return the gift card groups that are sold with VAT, at these rates of the till."""
        cards = (group for group, word in self.types.items() if GROUPS.get(word) is LineCategory.GIFT_CARD)
        return [group for group in cards if rates.get(self.vat_codes.get(group, ""))]

    def may_take_vouchers(self, type_: str, rates: Mapping[str, Decimal]) -> bool:
        """Return True if a payment method of this type may accept vouchers of a group that no known method accepts.

        This is possible only for a type that does not identify the means of payment.
        """
        card_groups = set(self.cards.values())
        return METHODS.get(type_) is Tender.SUSPENSE and any(group not in card_groups for group in self.vouchers(rates))


@dataclass(frozen=True, slots=True)
class VoucherRedemption:
    """An amount paid with single-purpose vouchers of one turnover group, with their account and the till's VAT code."""

    account: str
    code: str
    amount: Decimal


def account_for(accounts: Mapping[str, str], group: str, category: LineCategory) -> str:
    """Return the account of a group, else of its category, else the common one if the category is not revenue."""
    return accounts.get(group) or accounts.get(category) or (accounts.get(EVERY, "") if category.is_balance else "")


@dataclass(frozen=True, slots=True)
class Balances:
    """Accounts of amounts that are not revenue, by turnover group, and the purposes of gift cards."""

    accounts: Mapping[str, str]
    purposes: Mapping[str, Purpose]  # purposes of gift cards by payment method, as a person set them
    turnover: Turnover
    rates: Mapping[str, Decimal]  # VAT percentages of the till

    # ---- lines

    def category(self, line: Record) -> LineCategory:
        """Return the category of a line. An unknown category without a turnover group counts as revenue."""
        group = turnover_group_of(line)
        category = category_of(
            till_text(line.values, "price_type"),
            till_text(line.values, "turnover_type"),
            self.turnover.types.get(group, ""),
        )
        return LineCategory.REVENUE if category is LineCategory.UNKNOWN and not group else category

    def account(self, document: CompletedDocument, line: Record) -> str | None:
        """Return the account of a line that is not revenue; None for revenue.

        Raises RecordRejected if no account is set.
        """
        category, group = self.category(line), turnover_group_of(line)
        if category is LineCategory.REVENUE and group not in self.accounts:  # a row marks its group as no revenue
            return None
        name = till_text(line.values, "text") or group or category
        return self._account(document, group, category, name)

    def is_taxed(self, document: CompletedDocument, line: Record, method: str) -> bool:
        """Return True if VAT was charged on a non-revenue line, or would have been without reverse charge.

        Raises RecordRejected if neither the VAT nor a percentage is known.
        """
        incl, excl = (line.values.get(name) for name in ("amount_incl", "amount_excl"))
        whole = incl if isinstance(incl, Decimal) and isinstance(excl, Decimal) else None
        if whole is not None and whole != excl:
            return True
        if method in UNTAXED:
            never = self.category(line) in (LineCategory.GIFT_CARD, LineCategory.CASH_IN, LineCategory.PAYMENT)
            return not never and self._is_taxed_at_home(document, line)
        charged = self._vat_percentage(line)
        return bool(charged) and (whole is None or abs(whole) * charged / (HUNDRED + charged) < CENT)

    def _is_taxed_at_home(self, document: CompletedDocument, line: Record) -> bool:
        """Return True if a line without VAT is normally taxed, by its own VAT code or by the usual one of its group.

        Raises RecordRejected if this is unclear: a rate of 0 % may belong to the deposit or to the buyer.
        """
        group, own = turnover_group_of(line), till_text(line.values, "vat_code")
        codes = [code for code in (own, self.turnover.vat_codes.get(group, "")) if code not in ("", "0")]
        if any(self.rates.get(code) for code in codes):
            return True
        for code in codes:
            if code not in self.rates:
                raise missing_vat_rate_issue("line.vat_code", code, TILL.system)
        if codes == [own]:
            facts = {
                "document": document.title,
                "kind": till_text(line.values, "text") or group,
                "group": group,
                "system": TILL.system,
            }
            raise RecordRejected("deposit_vat_unclear", "line.vat_code", **facts)
        return False

    def _vat_percentage(self, line: Record) -> Decimal:
        """Return the VAT percentage of a line; zero without a VAT code.

        Raises RecordRejected if the percentage is unknown.
        """
        rate, code = line.values.get("vat_percent"), till_text(line.values, "vat_code")
        if isinstance(rate, Decimal):
            return rate
        if code not in ("", "0") and code not in self.rates:
            raise missing_vat_rate_issue("line.vat_code", code, TILL.system)
        return self.rates.get(code, NOTHING)

    def _account(self, document: CompletedDocument, group: str, category: LineCategory, name: str) -> str:
        if account := account_for(self.accounts, group, category):
            return account
        # A gift card in a revenue group needs a row for gift cards, since a row for the group also matches its revenue.
        of_revenue = GROUPS.get(self.turnover.types.get(group, "")) is LineCategory.REVENUE
        lacking = "" if category.is_balance and of_revenue else group
        facts = {
            "document": document.title,
            "kind": name,
            "group": lacking,
            "type": str(category),
            "system": TILL.system,
        }
        cause = "deposit_account_missing" if category.is_balance else "turnover_group_unknown"
        raise RecordRejected(cause, "line.account", **facts)

    # ---- payments

    def redeemed(self, document: CompletedDocument, rounding: tuple[str, ...]) -> Iterator[VoucherRedemption]:
        """Yield the amounts paid with vouchers that were taxed at their sale, one for each method, as in a day.

        Raises RecordRejected for a card whose purpose is unknown.
        """
        by_method = sum_by_key(
            ((method, group, code), paid) for method, group, code, paid in self._voucher_payments(document, rounding)
        )
        for (method, group, code), paid in by_method.items():
            yield VoucherRedemption(self._account(document, group, LineCategory.GIFT_CARD, method), code, paid)

    def require_untaxed(self, document: CompletedDocument, rounding: tuple[str, ...]) -> None:
        """Raise RecordRejected for a document paid with such vouchers: books that compute VAT would tax it twice."""
        for method, _, _, paid in self._voucher_payments(document, rounding):
            facts = {"document": document.title, "method": method, "amount": str(paid)}
            raise RecordRejected("voucher_on_order", "line.price", **facts)

    def _voucher_payments(
        self, document: CompletedDocument, rounding: tuple[str, ...]
    ) -> Iterator[tuple[str, str, str, Decimal]]:
        """Yield method, turnover group, VAT code and amount of each payment with a single-purpose voucher."""
        for payment in document.record.parts:
            paid = payment.values.get("amount")
            if payment.kind is not Kind.PAYMENT or not isinstance(paid, Decimal) or not paid:
                continue
            method = till_text(payment.values, "method")
            purpose = self.purpose(payment, rounds=method in rounding)
            if purpose is Purpose.SINGLE:
                group = self.turnover.cards.get(method) or self._only_voucher_group()
                code = self.turnover.vat_codes.get(group, "")
                if not code:
                    raise _unclear_card_rejection(document, method)
                yield method, group, code, paid
            elif purpose is None:
                raise _unclear_card_rejection(document, method)

    def purpose(self, payment: Record, *, rounds: bool) -> Purpose | None:
        """Return the purpose of a payment's gift card, as set by a person or given by the till; None if unknown."""
        method = till_text(payment.values, "method")
        if method in self.purposes:
            return self.purposes[method]
        group = self.turnover.cards.get(method)
        is_card = group is not None or bool(till_text(payment.values, "giftcardNumber"))
        type_ = till_text(payment.values, "type")
        tender = tender_of(type_, rounds=rounds, is_card=is_card)
        if tender is Tender.GIFT_CARD:
            rate = self.rates.get(self.turnover.vat_codes.get(group or "", ""))
            return None if rate is None else Purpose.SINGLE if rate else Purpose.MULTI
        hides = tender is Tender.SUSPENSE and self.turnover.may_take_vouchers(type_, self.rates)
        return None if hides else Purpose.NONE

    def of_card(self, method: str) -> str:
        """Return the account of the multi-purpose gift cards that a payment method accepts; empty if none is set."""
        group = self.turnover.cards.get(method) or self._only_group(LineCategory.GIFT_CARD)
        return self._account_of(group, LineCategory.GIFT_CARD)

    @property
    def of_down_payments(self) -> str:
        """The account of down payments; empty if none is set."""
        return self._account_of(self._only_group(LineCategory.DOWN_PAYMENT), LineCategory.DOWN_PAYMENT)

    @property
    def default_account(self) -> str:
        """The account of all groups without one of their own; empty if none is set."""
        return self.accounts.get(EVERY, "")

    def _account_of(self, group: str, category: LineCategory) -> str:
        return (self.accounts.get(group, "") if group else "") or self.accounts.get(category, "")

    def _only_group(self, category: LineCategory) -> str:
        """Return the only group of a category; for gift cards, the only one that is sold without VAT."""
        vouchers = self.turnover.vouchers(self.rates)
        groups = [group for group, word in self.turnover.types.items() if GROUPS.get(word) is category]
        groups = [group for group in groups if group not in vouchers]
        return groups[0] if len(groups) == 1 else ""

    def _only_voucher_group(self) -> str:
        groups = self.turnover.vouchers(self.rates)
        return groups[0] if len(groups) == 1 else ""


def share_of(
    document: CompletedDocument, redemption: VoucherRedemption, sold: Sums, rates: Mapping[str, Decimal]
) -> VatSum:
    """Return the part of a sale paid with a voucher, with VAT in the proportion that the till charged in total.

    Raises RecordRejected if the voucher exceeds the amount sold under its VAT code, because the use of the rest is
    unknown.
    """
    whole = sold.get(redemption.code, VatSum())
    if redemption.amount * whole.incl <= NOTHING or abs(redemption.amount) > abs(whole.incl):
        facts = {"amount": str(redemption.amount), "there": str(whole.incl), "code": redemption.code}
        facts["vat"] = vat_fact(redemption.code, rates.get(redemption.code), TILL.system)
        raise RecordRejected("voucher_too_large", "line.account", document=document.title, **facts)
    vat = whole.vat if redemption.amount == whole.incl else amount(redemption.amount * whole.vat / whole.incl)
    return VatSum(redemption.amount - vat, vat)


def _unclear_card_rejection(document: CompletedDocument, method: str) -> RecordRejected:
    return RecordRejected("gift_card_unclear", "line.account", document=document.title, method=method)


def turnover_group_of(line: Record) -> str:
    """Return the turnover group of a line; zero means none."""
    return till_text(line.values, "turnover_group").lstrip("0")
