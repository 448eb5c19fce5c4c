"""Codes of one record that have no row in a value table, collected so that one repair adds all rows."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

MISSING_CODES = "missing_codes"  # name of the issue fact that holds them


@dataclass(frozen=True, slots=True)
class MissingCode:
    """One code without a row: the cause that the row repairs, and the facts of that cause.

    `amount` is the absolute sum in euros that the record has under the code.
    """

    cause: str
    facts: Mapping[str, str]
    amount: Decimal


def missing_codes_fact(codes: Iterable[MissingCode]) -> str:
    """Return the codes as one text, which is a fact of an issue."""
    listed = [{"cause": one.cause, "facts": dict(one.facts), "amount": str(one.amount)} for one in codes]
    return json.dumps(listed, ensure_ascii=False, separators=(",", ":"))


def missing_codes_in(facts: Mapping[str, str]) -> tuple[MissingCode, ...]:
    """Return the codes stored in the facts of an issue; empty if they cannot be read."""
    try:
        listed = json.loads(facts.get(MISSING_CODES) or "[]")
        return tuple(MissingCode(str(one["cause"]), {**one["facts"]}, Decimal(one["amount"])) for one in listed)
    except (ValueError, TypeError, KeyError, InvalidOperation):
        return ()  # the fact was truncated or masked; the next preview stores it again
