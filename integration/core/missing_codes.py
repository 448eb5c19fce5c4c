"""Codes of one record for which value tables have no row: all of them, so that one repair adds their rows together."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

MISSING_CODES = "missing_codes"  # the fact of an issue that holds them


@dataclass(frozen=True, slots=True)
class MissingCode:
    """One code without a row: the cause that its row repairs, with the facts of that cause.

    `amount` is the sum in euros, without sign, that the record has under the code.
    """

    cause: str
    facts: Mapping[str, str]
    amount: Decimal


def missing_codes_fact(codes: Iterable[MissingCode]) -> str:
    """Return codes as a fact of an issue, which is a text."""
    listed = [{"cause": one.cause, "facts": dict(one.facts), "amount": str(one.amount)} for one in codes]
    return json.dumps(listed, ensure_ascii=False, separators=(",", ":"))


def missing_codes_in(facts: Mapping[str, str]) -> tuple[MissingCode, ...]:
    """Return the codes that the facts of an issue hold; none where they hold none that can be read."""
    try:
        listed = json.loads(facts.get(MISSING_CODES) or "[]")
        return tuple(MissingCode(str(one["cause"]), {**one["facts"]}, Decimal(one["amount"])) for one in listed)
    except (ValueError, TypeError, KeyError, InvalidOperation):
        return ()  # cut or masked on its way; the next preview stores them anew
