"""What the flow of documents is asked in the set-up, what we propose, and what it lacks."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from integration.core.errors import Reason
from integration.flows.forms import (
    Known,
    Lack,
    Proposal,
    Question,
    only,
    rowless,
    usual,
    vat_question,
    without_row,
)
from integration.flows.orders.balances import BALANCE_ACCOUNTS, Turnover
from integration.flows.settings import BOOKS, EVERY, TILL, books, till

SALES_DAYBOOK = "verkoopboek"  # as AccountView calls it in a new administration
ROUNDING = re.compile("afronding|betalingsverschil", re.IGNORECASE)  # what the account is called in Dutch books
DEBTOR_ACCOUNTS, COLLECTIVE_ACCOUNTS = books("debtor_accounts"), books("collective_accounts")


def sales_daybook(daybooks: Mapping[str, str]) -> str:
    """Return the sales daybook; nothing where more or fewer than one is called so."""
    return only(code for code, name in daybooks.items() if name.casefold() == SALES_DAYBOOK)


def _documents(known: Known) -> Proposal:
    daybook = sales_daybook(known.of(books("daybooks")))
    return Proposal({"documents": "order", "becomes": "order", "daybook": daybook}, Reason("proposed_orders"))


def _plain_daybook(known: Known) -> dict[str, str]:
    daybook = sales_daybook(known.of(books("daybooks")))
    return {"daybook": daybook} if daybook else {}


def _revenue(known: Known) -> Proposal | None:
    account = only(known.of(books("revenue_accounts")))
    return Proposal({"*": account}, Reason("proposed_only_one")) if account else None


def _terms(known: Known) -> Proposal | None:
    rows = known.tables.get("payment_methods", {})
    if rows and without_row(known, "payment_methods", till("payment_methods")):
        return None
    return Proposal(rows, Reason("proposed_terms"))


def _collective(known: Known) -> Proposal | None:
    if plain := _plain_collective(known):
        return Proposal(plain, Reason("proposed_account_of_debtors"))
    account = only(known.of(COLLECTIVE_ACCOUNTS))
    return Proposal({"collective_account": account}, Reason("proposed_only_one")) if account else None


def _plain_collective(known: Known) -> dict[str, str]:
    account = only(known.of(DEBTOR_ACCOUNTS))
    return {"collective_account": account} if account else {}


def _accountless(known: Known) -> Lack | None:
    settings = known.settings
    if settings["collective_account"] or not settings["create_debtors"] or settings["default_debtor"] == "forced":
        return None
    return Lack(Reason("lack_collective_account"), stops=False)


def _nobody(known: Known) -> Proposal | None:
    if known.settings["documents"] == "receipt":  # most have no customer, and only the shop knows for whom they count
        return None
    return Proposal({"default_debtor": "off", "debtor_number": ""}, Reason("proposed_no_default_debtor"))


def _customerless(known: Known) -> Lack | None:
    if known.settings["documents"] != "receipt" or known.settings["default_debtor"] != "off":
        return None
    return Lack(Reason("lack_default_debtor"), stops=False)


def _completion(known: Known) -> Proposal | None:
    usual_one = known.defaults.get("default_employee", "")
    employees, branch = known.of(till("employees")), only(known.of(till("branches")))
    if employees and usual_one not in employees:
        return None
    name = employees.get(usual_one, "")
    why = Reason("proposed_employee", {"name": name}) if name else Reason("proposed_employee_unseen")
    return Proposal({"default_employee": usual_one, "default_branch": branch}, why)


def _rounding(known: Known) -> Proposal:
    account = only(code for code, name in known.of(books("ledgers")).items() if ROUNDING.search(name))
    values = {name: known.defaults[name] for name in ("rounding_limit", "rounding_article")}
    why = "proposed_rounding_account" if account else "proposed_rounding"
    return Proposal({**values, "rounding_account": account}, Reason(why))


def _is_posting(settings: Mapping[str, Any]) -> bool:
    return bool(settings["becomes"] == "posting")


BALANCE_GROUPS, LEDGERS = till("balance_groups"), books("ledgers")


def _balances(known: Known) -> Proposal | None:
    """Propose the accounts that the till itself has for its groups, where the books have them and none is left out."""
    rows, ledgers = known.tables.get(BALANCE_ACCOUNTS, {}), known.of(LEDGERS)
    told = {group: number for group, number in known.of(till("turnover_accounts")).items() if number in ledgers}
    missing = without_row(known, BALANCE_ACCOUNTS, BALANCE_GROUPS)
    if not missing or any(group not in told for group in missing):
        return None
    return Proposal({**rows, **{group: told[group] for group in missing}}, Reason("proposed_till_accounts"))


def _homeless(known: Known) -> Lack | None:
    """Tell which groups have no account, by name; a row for whatever has none of its own is one."""
    missing, names = without_row(known, BALANCE_ACCOUNTS, BALANCE_GROUPS), known.of(BALANCE_GROUPS)
    if not missing or EVERY in known.tables.get(BALANCE_ACCOUNTS, {}):
        return None
    codes = ", ".join(f"{group} {names[group]}" for group in missing)
    return Lack(Reason("lack_balance_accounts", {"codes": codes}), stops=False)


def _unclear_cards(known: Known) -> list[str]:
    """Return the payment methods that may take vouchers, where the till sells such and does not say who takes them."""
    turnover = Turnover(*(known.of(till(name)) for name in ("turnover_types", "turnover_vat_codes", "gift_cards")))
    rates = {code: Decimal(rate) for code, rate in known.of(till("vat_rates")).items()}
    settled = {*turnover.cards, *known.settings["gift_cards"], *known.settings["rounding_methods"]}
    methods = known.of(till("payment_types")).items()
    return [method for method, type_ in methods if method not in settled and turnover.may_take_vouchers(type_, rates)]


def _cards(known: Known) -> Proposal | None:
    """Propose nothing where nothing is unclear; else only the shop knows."""
    if _unclear_cards(known):
        return None
    return Proposal({"gift_cards": known.settings["gift_cards"]}, Reason("proposed_gift_cards_told"))


def _cardless(known: Known) -> Lack | None:
    unclear = _unclear_cards(known)
    return Lack(Reason("lack_gift_cards", {"codes": ", ".join(unclear)}), stops=False) if unclear else None


QUESTIONS = (
    Question(
        "documents",
        _documents,
        ("documents", "becomes", "daybook"),
        lists=(books("daybooks"),),
        plain=_plain_daybook,
    ),
    vat_question("vat_codes_sales", TILL, BOOKS),
    Question(
        "revenue",
        _revenue,
        table="revenue_accounts",
        arises=_is_posting,
        lists=(books("vat_codes"), books("revenue_accounts")),
        lacks=rowless("revenue_accounts", books("vat_codes"), needed=True),
    ),
    Question(
        "balances",
        _balances,
        table=BALANCE_ACCOUNTS,
        arises=_is_posting,
        lists=(BALANCE_GROUPS, till("turnover_accounts"), LEDGERS),
        lacks=_homeless,
    ),
    Question(
        "gift_cards",
        _cards,
        ("gift_cards",),
        arises=_is_posting,
        lists=tuple(
            map(
                till,
                ("payment_methods", "payment_types", "gift_cards", "turnover_types", "turnover_vat_codes", "vat_rates"),
            )
        ),
        lacks=_cardless,
    ),
    Question(
        "account",
        _collective,
        ("collective_account",),
        lists=(DEBTOR_ACCOUNTS, COLLECTIVE_ACCOUNTS),
        lacks=_accountless,
        plain=_plain_collective,
    ),
    Question("debtor", _nobody, ("default_debtor", "debtor_number"), lacks=_customerless),
    Question(
        "payment",
        _terms,
        table="payment_methods",
        lists=(till("payment_methods"), books("payment_conditions")),
        lacks=rowless("payment_methods", till("payment_methods"), needed=False),
    ),
    Question(
        "article",
        usual("proposed_collective_article", "collective_article"),
        ("collective_article",),
        arises=lambda settings: settings["becomes"] != "posting",
    ),
    Question(
        "rounding",
        _rounding,
        ("rounding_limit", "rounding_article", "rounding_account"),
        lists=(books("ledgers"),),
    ),
    Question(
        "completion",
        _completion,
        ("default_employee", "default_branch"),
        lists=(till("employees"), till("branches")),
    ),
)
