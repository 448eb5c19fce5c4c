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

    With `counterpart_of`, the code is not known yet: it is the counterpart that the missing row of that cause gets. The
    facts then are those of that cause.
    """

    cause: str
    facts: Mapping[str, str]
    amount: Decimal
    counterpart_of: str = ""


def missing_codes_fact(codes: Iterable[MissingCode]) -> str:
    """Return the codes as one text, which is a fact of an issue."""
    listed = [
        {
            "cause": one.cause,
            "facts": dict(one.facts),
            "amount": str(one.amount),
            **({"counterpart_of": one.counterpart_of} if one.counterpart_of else {}),
        }
        for one in codes
    ]
    return json.dumps(listed, ensure_ascii=False, separators=(",", ":"))


def missing_codes_in(facts: Mapping[str, str]) -> tuple[MissingCode, ...]:
    """Return the codes stored in the facts of an issue; empty if they cannot be read."""
    try:
        listed = json.loads(facts.get(MISSING_CODES) or "[]")
        return tuple(
            MissingCode(str(one["cause"]), {**one["facts"]}, Decimal(one["amount"]), str(one.get("counterpart_of", "")))
            for one in listed
        )
    except (ValueError, TypeError, KeyError, InvalidOperation):
        return ()  # the fact was truncated or masked; the next preview stores it again


def code_names(codes: Iterable[MissingCode]) -> str:
    """Return the names of the codes in one text, each once."""
    return ", ".join(dict.fromkeys(_code_name(one.facts) for one in codes))


def _code_name(facts: Mapping[str, str]) -> str:
    code = next((facts[name] for name in ("group", "method", "code", "sort", "value") if facts.get(name)), "")
    kind = facts.get("kind", "")
    return code if kind in ("", code) or facts.get("vat") else f"{code} {kind}"
