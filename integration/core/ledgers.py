"""Ledger accounts of the books: the requirements of each on a line, and the match with a till's account numbers."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class LedgerRules:
    """Requirements of a ledger account for each of its lines, or the reason why it accepts none.

    `demands` names what a line must have: `vat`, `cost`, `quantity`, `part`. `unclear` is the column and its value if
    the value in the books is neither yes nor no.
    """

    demands: tuple[str, ...] = ()
    is_blocked: bool = False
    is_collective: bool = False  # its lines need a debtor
    currency: str = ""  # currency of its lines if it differs from that of the administration
    unclear: tuple[str, str] | None = None

    @classmethod
    def from_text(cls, text: str) -> Self:
        fields = json.loads(text)
        unclear = fields.pop("unclear")
        return cls(tuple(fields.pop("demands")), unclear=tuple(unclear) if unclear else None, **fields)

    def as_text(self) -> str:
        """Return the rules as one text, because code lists hold texts."""
        return json.dumps(asdict(self))


NO_RULES = LedgerRules()


def matching_accounts(number: str, ledgers: Collection[str]) -> list[str]:
    """Return all ledger accounts that a till may mean by this number: leading zeros are lost at the till."""
    bare = number.strip().lstrip("0")
    return [ledger for ledger in ledgers if bare and ledger.strip().lstrip("0") == bare]


def matching_account(number: str, ledgers: Collection[str]) -> str:
    """Return the only ledger account that a till's number can mean, or an empty text if there is none or several."""
    accounts = matching_accounts(number, ledgers)
    return accounts[0] if len(accounts) == 1 else ""
