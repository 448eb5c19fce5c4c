"""What a document was paid with: each payment a line on the account of its method, so that its page leaves the rest.

Whatever stands on a collective account is no payment yet: sold on account, it is what the debtor owes. What vouchers
paid for that were taxed at their sale stands on the page with its VAT, and is none of these lines.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from integration.core.records import Kind, Record
from integration.core.rules import as_text
from integration.core.totals.categories import METHODS, Purpose, Tender
from integration.core.totals.sold import NOTHING
from integration.flows.orders.balances import Balances
from integration.flows.orders.parties import CompletedDocument
from integration.flows.settings import RecordRejected

METHOD_ACCOUNTS = "method_accounts"  # shared with the flow of days
WITH_PAYMENTS = "with_payments"  # on a document in the books: its payments stand on its page


class Paid(NamedTuple):
    """One payment on its account."""

    account: str
    method: str
    name: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Payments:
    """The accounts of payment methods, and those on which debtors stand."""

    accounts: Mapping[str, str] = field(default_factory=dict)
    collective: Collection[str] = ()
    rounding_account: str = ""
    rounding: tuple[str, ...] = ()

    def of(self, document: CompletedDocument, sold: Decimal, balances: Balances) -> list[Paid]:
        """Return the payments that settle what was sold. Raises RecordRejected for a method without an account."""
        self._expect_whole(document, sold)
        return [one for one in self._each(document, balances) if one.account not in self.collective]

    def _each(self, document: CompletedDocument, balances: Balances) -> Iterator[Paid]:
        for payment, paid in payments_of(document.record):
            method, name = _text(payment, "method"), _text(payment, "description")
            rounds = method in self.rounding
            purpose = balances.purpose(payment, rounds=rounds)
            if purpose is not Purpose.SINGLE:
                yield Paid(self._account(document, payment, purpose, balances), method, name or method, paid)

    def _account(
        self, document: CompletedDocument, payment: Record, purpose: Purpose | None, balances: Balances
    ) -> str:
        method = _text(payment, "method")
        row = self.accounts.get(method, "").strip()
        tender = METHODS.get(_text(payment, "type"))
        if method in self.rounding:
            found = self.rounding_account or row
        elif purpose is Purpose.MULTI:  # what its sale put on the account comes off it again
            found = balances.of_card(method) or row or balances.of_all
        elif tender is Tender.DOWN_PAYMENT:
            found = balances.of_down_payments or row or balances.of_all
        else:
            found = row
        if not found:
            facts = {"document": document.title, "method": method, "kind": _text(payment, "description") or method}
            raise RecordRejected("method_account_missing", "line.account", **facts)
        return found

    def _expect_whole(self, document: CompletedDocument, sold: Decimal) -> None:
        """Raise RecordRejected where the till says that more was paid than its list of payments has: the rest is lost.

        Whether the rounding of cash counts as paid, and with which sign, is not publicly known: a document that is
        said to be paid and is open by such an amount is not believed.
        """
        paid = [(_text(part, "method") in self.rounding, amount) for part, amount in payments_of(document.record)]
        listed, cash = (sum((each for rounds, each in paid if rounds or every), NOTHING) for every in (True, False))
        said = document.values.get("paid_amount")
        if isinstance(said, Decimal) and said not in (listed, listed - cash) and (said - listed) * said > NOTHING:
            raise _incomplete(document, said, listed)
        rest = sold - listed
        odd = bool(cash) and NOTHING < abs(rest) <= 2 * abs(cash)
        if document.values.get("paid") is True and (odd or rest * sold > NOTHING):
            raise _incomplete(document, sold, listed)


NO_PAYMENTS = Payments()


def payments_of(document: Record) -> Iterator[tuple[Record, Decimal]]:
    """Yield the payments of a document that come to something, each with its amount."""
    for part in document.parts:
        amount = part.values.get("amount")
        if part.kind is Kind.PAYMENT and isinstance(amount, Decimal) and amount:
            yield part, amount


def digest_of(document: Record, *, with_payments: bool) -> str:
    """Return the text that changes when something changes that the books have of a document.

    Its payments are in it only where the books have them: what is paid later concerns no other document there.
    """
    digest = as_text(document.values.get("digest"))
    if not with_payments:
        return digest
    rows = sorted([_text(part, "method"), format(amount.normalize(), "f")] for part, amount in payments_of(document))
    return hashlib.sha256(json.dumps([digest, rows], separators=(",", ":")).encode()).hexdigest()


def paid_sum(document: Record) -> Decimal:
    """Return what the payments of a document come to, as the till lists them."""
    return sum((amount for _, amount in payments_of(document)), NOTHING)


def _incomplete(document: CompletedDocument, said: Decimal, listed: Decimal) -> RecordRejected:
    facts = {"document": document.title, "said": str(said), "listed": str(listed), "difference": str(said - listed)}
    return RecordRejected("payments_incomplete", "line.amount", **facts)


def _text(record: Record, name: str) -> str:
    return as_text(record.values.get(name)).strip()
