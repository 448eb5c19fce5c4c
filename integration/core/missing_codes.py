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
    rows = [
        {
            "cause": code.cause,
            "facts": dict(code.facts),
            "amount": str(code.amount),
            **({"counterpart_of": code.counterpart_of} if code.counterpart_of else {}),
        }
        for code in codes
    ]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def missing_codes_in(facts: Mapping[str, str]) -> tuple[MissingCode, ...]:
    """Return the codes stored in the facts of an issue; empty if they cannot be read."""
    try:
        rows = json.loads(facts.get(MISSING_CODES) or "[]")
        return tuple(
            MissingCode(str(row["cause"]), {**row["facts"]}, Decimal(row["amount"]), str(row.get("counterpart_of", "")))
            for row in rows
        )
    except (ValueError, TypeError, KeyError, InvalidOperation):
        return ()  # the fact was truncated or masked; the next preview stores it again


def code_names(codes: Iterable[MissingCode]) -> str:
    """Return the names of the codes in one text, each once."""
    return ", ".join(dict.fromkeys(_code_name(code.facts) for code in codes))


def _code_name(facts: Mapping[str, str]) -> str:
    code = next((facts[name] for name in ("group", "method", "code", "type", "value") if facts.get(name)), "")
    kind = facts.get("kind", "")
    return code if kind in ("", code) or facts.get("vat") else f"{code} {kind}"
