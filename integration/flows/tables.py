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
IN_USE = frozenset(
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
    read = table.read(key)
    if read is None:
        return Reason("reason_row_key", {"row": key})
    for one in table.parts:
        value = read.get(one.name, "")
        if value and (found := _part_fault(one, value, codes)):
            return found
    if not _is_known(table.theirs, other, codes):
        of = table.theirs
        return _unknown(of, other) if of else None
    return None


def _part_fault(part: KeyPart, value: str, codes: Codes) -> Reason | None:
    if (part.needed and value == EVERY) or value in part.options:
        return None
    if part.options and not part.of:
        return Reason("reason_row_word", {"value": value, "options": ", ".join(part.options)})
    if any(_is_known(one.of, value.removeprefix(one.mark), codes) for one in part.of if value.startswith(one.mark)):
        return None
    return _unknown(part.of[0].of, value) if part.of else None


def _is_known(of: CodeList | None, value: str, codes: Codes) -> bool:
    if of is None:
        return True
    if of == COUNTRY_CODES:
        return is_country(value)
    known = codes(of) if of.name not in IN_USE else None
    return not known or value in known  # an empty or unreadable list rejects no code


def _unknown(of: CodeList, value: str) -> Reason:
    if of == COUNTRY_CODES:
        return Reason("reason_row_country", {"value": value})
    return Reason("reason_row_code", {"value": value, "source_system": system_name(of.system)})


def row_faults(table: ValueTable, rows: Iterable[tuple[str, str]], codes: Codes) -> dict[str, Reason]:
    """Return the invalid rows by key, each with the reason. A second row with the same meaning is invalid."""
    found: dict[str, Reason] = {}
    seen: dict[str, str] = {}
    for key, other in rows:
        read = table.read(key)
        meant = table.key(read) if read else key
        if meant in seen:
            found[key] = Reason("reason_row_twice", {"row": key})
        elif why := row_fault(table, key, other, codes):
            found[key] = why
        seen[meant] = other
    return found


def rows_with_different_rates(
    table: ValueTable, rows: Mapping[str, str], rates: Callable[[CodeList], Mapping[str, Decimal]]
) -> list[str]:
    """Return the keys of rows whose VAT codes have different percentages. Reverse charge rows are not compared."""
    ours, theirs = (of for of in (table.code.of[0].of if table.code.of else None, table.theirs))
    if ours is None or theirs is None or {ours.name, theirs.name} != {VAT_CODES}:
        return []
    here, there = rates(ours), rates(theirs)

    def differs(key: str, other: str) -> bool:
        read = table.read(key) or {}
        rate, theirs_ = here.get(read.get(table.code.name, "")), there.get(other)
        return rate is not None and theirs_ is not None and rate != theirs_ and not read.get("vat_method")

    return [key for key, other in rows.items() if differs(key, other)]


# ---- rows that a run uses


def usable_rows(table: ValueTable, rows: Mapping[str, str], codes: Codes) -> dict[str, str]:
    """Return the rows as a run uses them: invalid rows stay, with an empty counterpart.

    So records that an invalid row was meant for are parked instead of translated by a more general row. A readable
    country name, such as USA, is replaced by its code. An unreadable one may be any country except that of the shop.
    """
    wrong = row_faults(table, rows.items(), codes)
    held = {_readable(table, key): "" for key in wrong}
    return held | {key: other for key, other in rows.items() if key not in wrong}


def _readable(table: ValueTable, key: str) -> str:
    read = table.read(key)
    if read is None:
        return key
    given = {one.name: read.get(one.name, "") for one in table.parts}
    for one in table.parts:
        if one.of and one.of[0].of == COUNTRY_CODES and given[one.name]:
            given[one.name] = _country(given[one.name])
    return table.key(given)


def _country(name: str) -> str:
    try:
        return as_text(country_of(name))
    except RuleError:
        return UNSURE


# ---- missing rows


def rowless_codes(
    table: ValueTable,
    used: Mapping[str, str],
    wanted: Iterable[str],
    home: str,
    codes: Callable[[CodeList], Iterable[str]],
) -> list[str]:
    """Return the codes without a row in the country of the shop for at least one value of the other key parts."""
    parts = [part for part in table.parts if not (part.needed or part.rank or part.name == COUNTRY)]
    values = [part.options or tuple(code for one in part.of for code in codes(one.of)) or ("",) for part in parts]

    def is_covered(code: str) -> bool:
        cases = (dict(zip((part.name for part in parts), each, strict=True)) for each in product(*values))
        return all(table.row(used, home=home, **{table.code.name: code, COUNTRY: home, **case}) for case in cases)

    return [code for code in wanted if not is_covered(code)]
