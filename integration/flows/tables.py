"""Checks the rows of value tables: which are valid, which a run uses, and which codes have no row."""

from collections.abc import Callable, Collection, Iterable, Mapping
from decimal import Decimal
from itertools import product

from integration.core.errors import Reason
from integration.core.rows import EVERY
from integration.core.rules import RuleError, as_text
from integration.flows.functions.values import country_of, is_country
from integration.flows.settings import (
    COUNTRY,
    COUNTRY_CODES,
    UNSURE,
    CodeList,
    KeyPart,
    ValueTable,
    books_list,
    till_list,
)
from integration.words import system_name

VAT_CODES, VAT_RATES = "vat_codes", "vat_rates"

# Lists that contain only codes in use or the first page of a long list. Codes outside such a list are valid too.
INCOMPLETE_LISTS = frozenset(
    {
        "payment_conditions",
        "shipping_methods",
        "salespersons",
        "price_lists",
        "debtor_accounts",
        "debtors",
        "article_codes",
        "own_articles",
        "country_names",
    }
)

# Code lists by field name. The console shows a code with its caption from the list.
_CODED: Mapping[str, CodeList] = {
    **dict.fromkeys(("branch", "branchNumber"), till_list("branches")),
    **dict.fromkeys(("method", "payment_method"), till_list("payment_methods")),
    **dict.fromkeys(
        ("account", "books_account", "page_account", "collective_account", "revenue_account", "rounding_account"),
        books_list("ledgers"),
    ),
    "daybook": books_list("daybooks"),
    "cost_centre": books_list("cost_centres"),
    "payment_condition": books_list("payment_conditions"),
    "shipping_method": books_list("shipping_methods"),
    "salesperson": books_list("salespersons"),
    "price_list": books_list("price_lists"),
    "price_group": till_list("price_groups"),
    "delivery_method": till_list("delivery_methods"),
    "turnover_group": till_list("turnover_groups"),
    "employee": till_list("employees"),
    "debtor_number": books_list("debtors"),
}


# Code lists by the name of a fact of a cause. Facts that are not fields have other names.
_FACTS: Mapping[str, CodeList] = {**_CODED, "article": books_list("article_codes"), "debtor": books_list("debtors")}


def list_of_fact(name: str) -> CodeList | None:
    """Return the list of which a fact of a cause holds one or more codes; None if it holds no codes."""
    return _FACTS.get(name)


def list_of(field: str) -> CodeList | None:
    """Return the list of which a field, given by name or path, holds a code; None if it holds no code."""
    return _CODED.get(field.rpartition("/")[2].rpartition(".")[2])


# Returns the codes of a list, or None if they are unknown at the moment; then every code counts as valid.
Codes = Callable[[CodeList], Collection[str] | None]


def row_fault(table: ValueTable, key: str, other: str, codes: Codes) -> Reason | None:
    """Return why a row is invalid, or None if it is valid."""
    parts = table.read(key)
    if parts is None:
        return Reason("reason_row_key", {"row": key})
    for part in table.parts:
        value = parts.get(part.name, "")
        if value and (fault := _part_fault(part, value, codes)):
            return fault
    if not _is_known(table.theirs, other, codes):
        of = table.theirs
        return _unknown_code_reason(of, other) if of else None
    return None


def _part_fault(part: KeyPart, value: str, codes: Codes) -> Reason | None:
    if (part.is_required and value == EVERY) or value in part.options:
        return None
    if part.options and not part.choices:
        return Reason("reason_row_word", {"value": value, "options": ", ".join(part.options)})
    if any(
        _is_known(code_source.code_list, value.removeprefix(code_source.mark), codes)
        for code_source in part.choices
        if value.startswith(code_source.mark)
    ):
        return None
    return _unknown_code_reason(part.choices[0].code_list, value) if part.choices else None


def _is_known(of: CodeList | None, value: str, codes: Codes) -> bool:
    if of is None:
        return True
    if of == COUNTRY_CODES:
        return is_country(value)
    known_codes = codes(of) if of.name not in INCOMPLETE_LISTS else None
    return not known_codes or value in known_codes  # an empty or unreadable list rejects no code


def _unknown_code_reason(of: CodeList, value: str) -> Reason:
    if of == COUNTRY_CODES:
        return Reason("reason_row_country", {"value": value})
    return Reason("reason_row_code", {"value": value, "source_system": system_name(of.system)})


def row_faults(table: ValueTable, rows: Iterable[tuple[str, str]], codes: Codes) -> dict[str, Reason]:
    """Return the invalid rows by key, each with the reason. A second row with the same meaning is invalid."""
    faults: dict[str, Reason] = {}
    seen_keys: dict[str, str] = {}
    for key, other in rows:
        parts = table.read(key)
        canonical_key = table.key(parts) if parts else key
        if canonical_key in seen_keys:
            faults[key] = Reason("reason_row_twice", {"row": key})
        elif why := row_fault(table, key, other, codes):
            faults[key] = why
        seen_keys[canonical_key] = other
    return faults


def rows_with_different_rates(
    table: ValueTable, rows: Mapping[str, str], rates: Callable[[CodeList], Mapping[str, Decimal]]
) -> list[str]:
    """Return the keys of rows whose VAT codes have different percentages. Reverse charge rows are not compared."""
    ours, theirs = (of for of in (table.code.choices[0].code_list if table.code.choices else None, table.theirs))
    if ours is None or theirs is None or {ours.name, theirs.name} != {VAT_CODES}:
        return []
    our_rates, their_rates = rates(ours), rates(theirs)

    def differs(key: str, other: str) -> bool:
        parts = table.read(key) or {}
        rate, theirs_ = our_rates.get(parts.get(table.code.name, "")), their_rates.get(other)
        return rate is not None and theirs_ is not None and rate != theirs_ and not parts.get("vat_method")

    return [key for key, other in rows.items() if differs(key, other)]


# ---- rows that a run uses


def usable_rows(table: ValueTable, rows: Mapping[str, str], codes: Codes) -> dict[str, str]:
    """Return the rows as a run uses them: invalid rows stay, with an empty counterpart.

    So records that an invalid row was meant for are parked instead of translated by a more general row. A readable
    country name, such as USA, is replaced by its code. An unreadable one may be any country except that of the shop.
    """
    wrong = row_faults(table, rows.items(), codes)
    empty_rows = {_readable_key(table, key): "" for key in wrong}
    return empty_rows | {key: other for key, other in rows.items() if key not in wrong}


def _readable_key(table: ValueTable, key: str) -> str:
    parts = table.read(key)
    if parts is None:
        return key
    values = {part.name: parts.get(part.name, "") for part in table.parts}
    for part in table.parts:
        if part.choices and part.choices[0].code_list == COUNTRY_CODES and values[part.name]:
            values[part.name] = _country_code(values[part.name])
    return table.key(values)


def _country_code(name: str) -> str:
    try:
        return as_text(country_of(name))
    except RuleError:
        return UNSURE


# ---- missing rows


def rowless_codes(
    table: ValueTable,
    rows: Mapping[str, str],
    wanted_codes: Iterable[str],
    home: str,
    codes: Callable[[CodeList], Iterable[str]],
) -> list[str]:
    """Return the codes without a row in the country of the shop for at least one value of the other key parts."""
    parts = [part for part in table.parts if not (part.is_required or part.rank or part.name == COUNTRY)]
    values = [
        part.options or tuple(code for code_source in part.choices for code in codes(code_source.code_list)) or ("",)
        for part in parts
    ]

    def is_covered(code: str) -> bool:
        cases = (dict(zip((part.name for part in parts), combination, strict=True)) for combination in product(*values))
        return all(table.row(rows, home=home, **{table.code.name: code, COUNTRY: home, **case}) for case in cases)

    return [code for code in wanted_codes if not is_covered(code)]
