"""Counterparts that both systems suggest for a missing row of a value table. A person confirms each of them."""

import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal

from integration.core.ledgers import matching_account
from integration.flows.settings import CodeList, ListReader
from integration.flows.tables import VAT_RATES

Propose = Callable[[Mapping[str, str], ListReader], str]

SHIFTED = "shifted"  # VAT method of the till: reverse charge
REVERSE_CHARGE = re.compile("verlegd|verlegging", re.IGNORECASE)  # names of VAT codes in Dutch books


def account_of_till(accounts: CodeList, ledgers: CodeList, *names: str) -> Propose:
    """Return a function that proposes the account that the till has for a code, or for several codes in one fact.

    `names` are the facts that may hold the codes. The books must have exactly one account that the till can mean, and
    several codes must have the same one.
    """

    def propose(facts: Mapping[str, str], read_list: ListReader) -> str:
        codes = next((facts[name] for name in names if facts.get(name)), "")
        numbers, ledger_codes = (read_list(accounts), read_list(ledgers)) if codes else ({}, {})
        matches = {matching_account(numbers.get(code, ""), ledger_codes) for code in codes.split(", ")}
        return matches.pop() if len(matches) == 1 else ""

    return propose


def account_by_types(
    ledgers: CodeList, *sources: tuple[CodeList, CodeList, Collection[str]]
) -> Callable[[ListReader], str]:
    """Return a function that proposes the only account that the till has for all codes of certain types.

    Each of `sources` has two lists of the till, the type and the account of each code, and the types that count.
    """

    def propose(read_list: ListReader) -> str:
        numbers = {
            number
            for types, accounts, wanted_types in sources
            for code, type_ in read_list(types).items()
            if type_ in wanted_types and (number := read_list(accounts).get(code, ""))
        }
        ledger_codes = read_list(ledgers) if numbers else {}
        matches = {matching_account(number, ledger_codes) for number in numbers}
        return matches.pop() if len(matches) == 1 else ""

    return propose


def vat_code_of_books(ours: CodeList, theirs: CodeList) -> Propose:
    """Return a function that proposes the only VAT code with the same rate, or for reverse charge."""

    def propose(facts: Mapping[str, str], read_list: ListReader) -> str:
        our_rates, their_rates = (read_list(CodeList(code_list.role, VAT_RATES)) for code_list in (ours, theirs))
        names, rate = read_list(theirs), our_rates.get(facts.get("code", ""), "")
        is_shifted = facts.get("vat_method") == SHIFTED
        if not rate and not is_shifted:
            return ""
        wanted_rate = Decimal(0) if is_shifted else Decimal(rate)
        codes = [code for code, other in their_rates.items() if Decimal(other) == wanted_rate]
        matches = [code for code in codes if bool(REVERSE_CHARGE.search(names.get(code, ""))) == is_shifted]
        return matches[0] if len(matches) == 1 else ""

    return propose
