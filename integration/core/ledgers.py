"""Ledger accounts of the books: what each demands of a line, and which one a till means by an account number."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class LedgerRules:
    """What a ledger account demands of each line on it, or why it takes none.

    `demands` names what a line must have: `vat`, `cost`, `quantity`, `part`. `unclear` is the column and its value
    where the books say neither yes nor no.
    """

    demands: tuple[str, ...] = ()
    is_blocked: bool = False
    is_collective: bool = False  # its lines need a debtor
    currency: str = ""  # of its lines, where it is another than that of the administration
    unclear: tuple[str, str] | None = None

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return the rules that `as_text` wrote."""
        fields = json.loads(text)
        unclear = fields.pop("unclear")
        return cls(tuple(fields.pop("demands")), unclear=tuple(unclear) if unclear else None, **fields)

    def as_text(self) -> str:
        """Return the rules as one text, since lists of codes carry texts."""
        return json.dumps(asdict(self))


NO_RULES = LedgerRules()


def matching_accounts(number: str, ledgers: Collection[str]) -> list[str]:
    """Return every ledger that arrives at a till as this number: it may mean any of them."""
    bare = number.strip().lstrip("0")
    return [one for one in ledgers if bare and one.strip().lstrip("0") == bare]


def matching_account(number: str, ledgers: Collection[str]) -> str:
    """Return the one ledger that a number of a till can mean; nothing where there is none, or more than one."""
    found = matching_accounts(number, ledgers)
    return found[0] if len(found) == 1 else ""
