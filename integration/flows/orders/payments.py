"""Payments of a posted document: one line per payment on the account of its method; the page then shows the rest.

An amount on a collective account is not a payment: it was sold on account and remains open at the debtor. Amounts paid
with vouchers that were taxed at their sale are posted with VAT and are not payment lines.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from integration.core.days.till import till_text
from integration.core.records import Kind, Record
from integration.core.rules import as_text
from integration.core.totals.categories import METHODS, Purpose, Tender
from integration.core.totals.sold import NOTHING
from integration.flows.orders.balances import Balances
from integration.flows.orders.parties import CompletedDocument
from integration.flows.settings import RecordRejected

METHOD_ACCOUNTS = "method_accounts"  # shared with the flow of days
WITH_PAYMENTS = "with_payments"  # field of a booking: its payments are booked with it


class AccountPayment(NamedTuple):
    """One payment with the account of its method."""

    account: str
    method: str
    name: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Payments:
    """The accounts of payment methods, and the collective accounts of debtors."""

    accounts: Mapping[str, str] = field(default_factory=dict)
    collective: Collection[str] = ()
    rounding_account: str = ""
    rounding: tuple[str, ...] = ()

    def account_payments(self, document: CompletedDocument, sold: Decimal, balances: Balances) -> list[AccountPayment]:
        """Return the payments that settle the sale. Raises RecordRejected for a method without an account."""
        self._require_whole(document, sold)
        return [payment for payment in self._all_payments(document, balances) if payment.account not in self.collective]

    def _all_payments(self, document: CompletedDocument, balances: Balances) -> Iterator[AccountPayment]:
        for payment, paid in payments_of(document.record):
            method, name = till_text(payment.values, "method"), till_text(payment.values, "description")
            rounds = method in self.rounding
            purpose = balances.purpose(payment, rounds=rounds)
            if purpose is not Purpose.SINGLE:
                yield AccountPayment(self._account(document, payment, purpose, balances), method, name or method, paid)

    def require_account(self, document: CompletedDocument, payment: Record, balances: Balances) -> None:
        """Raise RecordRejected if a payment that is booked with its document has no account."""
        purpose = balances.purpose(payment, rounds=till_text(payment.values, "method") in self.rounding)
        if purpose is not Purpose.SINGLE:
            self._account(document, payment, purpose, balances)

    def _account(
        self, document: CompletedDocument, payment: Record, purpose: Purpose | None, balances: Balances
    ) -> str:
        method = till_text(payment.values, "method")
        row = self.accounts.get(method, "").strip()
        tender = METHODS.get(till_text(payment.values, "type"))
        if method in self.rounding:
            account = self.rounding_account or row
        elif purpose is Purpose.MULTI:  # the redemption reverses the posting of the card's sale
            account = balances.of_card(method) or row or balances.default_account
        elif tender is Tender.DOWN_PAYMENT:
            account = balances.of_down_payments or row or balances.default_account
        else:
            account = row
        if not account:
            facts = {
                "document": document.title,
                "method": method,
                "kind": till_text(payment.values, "description") or method,
            }
            raise RecordRejected("method_account_missing", "line.account", **facts)
        return account

    def _require_whole(self, document: CompletedDocument, sold: Decimal) -> None:
        """Raise RecordRejected if the till reports a higher paid amount than its list of payments has.

        Whether cash rounding counts as paid, and with which sign, is not publicly documented. A document that is
        reported as paid but is open by such an amount is therefore rejected.
        """
        paid = [
            (till_text(part.values, "method") in self.rounding, amount) for part, amount in payments_of(document.record)
        ]
        listed_amount, cash = (
            sum((amount for rounds, amount in paid if rounds or every), NOTHING) for every in (True, False)
        )
        paid_amount = document.values.get("paid_amount")
        if (
            isinstance(paid_amount, Decimal)
            and paid_amount not in (listed_amount, listed_amount - cash)
            and (paid_amount - listed_amount) * paid_amount > NOTHING
        ):
            raise _incomplete_rejection(document, paid_amount, listed_amount)
        rest = sold - listed_amount
        odd = bool(cash) and NOTHING < abs(rest) <= 2 * abs(cash)
        if document.values.get("paid") is True and (odd or rest * sold > NOTHING):
            raise _incomplete_rejection(document, sold, listed_amount)


NO_PAYMENTS = Payments()


def payments_of(document: Record) -> Iterator[tuple[Record, Decimal]]:
    """Yield the payments of a document with a non-zero amount, each with the amount."""
    for part in document.parts:
        amount = part.values.get("amount")
        if part.kind is Kind.PAYMENT and isinstance(amount, Decimal) and amount:
            yield part, amount


def digest_of(document: Record, *, with_payments: bool) -> str:
    """Return a digest that changes when booked content of a document changes.

    Payments are included only if the books have them; otherwise a later payment does not change the booked document.
    """
    digest = as_text(document.values.get("digest"))
    if not with_payments:
        return digest
    rows = sorted(
        [till_text(part.values, "method"), format(amount.normalize(), "f")] for part, amount in payments_of(document)
    )
    return hashlib.sha256(json.dumps([digest, rows], separators=(",", ":")).encode()).hexdigest()


def paid_sum(document: Record) -> Decimal:
    """Return the total of the payments of a document, as the till lists them."""
    return sum((amount for _, amount in payments_of(document)), NOTHING)


def _incomplete_rejection(document: CompletedDocument, expected: Decimal, listed_amount: Decimal) -> RecordRejected:
    facts = {
        "document": document.title,
        "said": str(expected),
        "listed": str(listed_amount),
        "difference": str(expected - listed_amount),
    }
    return RecordRejected("payments_incomplete", "line.amount", **facts)
