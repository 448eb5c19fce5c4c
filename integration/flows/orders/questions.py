"""Questions of the set-up for the flow of documents, with proposals and missing settings."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from integration.core.errors import Reason
from integration.core.ledgers import matching_account
from integration.core.totals.categories import GROUPS, LineCategory
from integration.flows.balance_groups import BALANCE_GROUPS, USED_GROUPS, unused_groups
from integration.flows.forms import (
    MissingSetting,
    Proposal,
    Question,
    SetupContext,
    codes_missing_rows,
    codes_without_row,
    default_proposal,
    invalid_rows,
    single_code,
    vat_question,
)
from integration.flows.orders.balances import BALANCE_ACCOUNTS, Turnover, account_for
from integration.flows.orders.codes import GROUP_ACCOUNTS, GROUPS_TABLE, REVENUE_TABLE, SALES_GROUPS, VAT_TABLE
from integration.flows.orders.payments import METHOD_ACCOUNTS
from integration.flows.orders.tables import METHODS, METHODS_TABLE, TERMS_TABLE
from integration.flows.orders.terms import PAYMENT_TERMS
from integration.flows.proposals import account_of_till
from integration.flows.settings import Choice, KeyPart, ValueTable, books_list, till_list
from integration.flows.tables import usable_rows

SALES_DAYBOOK = "verkoopboek"  # the name of the sales daybook in a new administration of the books
ROUNDING = re.compile("afronding|betalingsverschil", re.IGNORECASE)  # name of the rounding account in Dutch books
PAYMENTS_OF = ("orders", "invoices", "receipts")
DAYS = "days"  # the flow that books documents and payments as part of a day
DEBTOR_ACCOUNTS, COLLECTIVE_ACCOUNTS = books_list("debtor_accounts"), books_list("collective_accounts")


def sales_daybook(daybooks: Mapping[str, str]) -> str:
    """Return the sales daybook; an empty string unless exactly one daybook has that name."""
    return single_code(code for code, name in daybooks.items() if name.casefold() == SALES_DAYBOOK)


AS_USUAL = {"orders": "order", "invoices": "nothing", "receipts": "nothing", "proposals": "nothing"}


def _are_posted(settings: Mapping[str, Any]) -> bool:
    return any(settings[name] == "posting" for name in AS_USUAL)


def _have_receipts(settings: Mapping[str, Any]) -> bool:
    return settings["receipts"] not in ("nothing", "day")


def _documents(context: SetupContext) -> Proposal:
    daybook = sales_daybook(context.codes_of_list(books_list("daybooks")))
    return Proposal({**AS_USUAL, "daybook": daybook}, Reason("proposed_orders"))


def _missing_days_flow(context: SetupContext) -> MissingSetting | None:
    """Return a missing setting if documents are part of a day but the flow of days is off."""
    parts = [name for name in AS_USUAL if context.settings[name] == "day"]
    return MissingSetting(Reason("lack_days_off"), stops=False) if parts and DAYS not in context.flows else None


def _plain_daybook(context: SetupContext) -> dict[str, str]:
    daybook = sales_daybook(context.codes_of_list(books_list("daybooks")))
    return {"daybook": daybook} if daybook else {}


def _revenue(context: SetupContext) -> Proposal | None:
    account = single_code(context.codes_of_list(books_list("revenue_accounts")))
    return Proposal({"*": account}, Reason("proposed_only_one")) if account else None


def _terms(context: SetupContext) -> Proposal | None:
    rows = context.tables.get(PAYMENT_TERMS, {})
    if rows and codes_missing_rows(context, TERMS_TABLE, METHODS):
        return None
    return Proposal(rows, Reason("proposed_terms"))


def _collective(context: SetupContext) -> Proposal | None:
    if plain := _plain_collective(context):
        return Proposal(plain, Reason("proposed_account_of_debtors"))
    account = single_code(context.codes_of_list(COLLECTIVE_ACCOUNTS))
    return Proposal({"collective_account": account}, Reason("proposed_only_one")) if account else None


def _plain_collective(context: SetupContext) -> dict[str, str]:
    account = single_code(context.codes_of_list(DEBTOR_ACCOUNTS))
    return {"collective_account": account} if account else {}


def _missing_collective_account(context: SetupContext) -> MissingSetting | None:
    settings = context.settings
    if settings["collective_account"] or not settings["create_debtors"] or settings["default_debtor"] == "forced":
        return None
    return MissingSetting(Reason("lack_collective_account"), stops=False)


def _propose_no_default_debtor(context: SetupContext) -> Proposal | None:
    if _have_receipts(context.settings):  # most receipts have no customer, and only the shop knows their debtor
        return None
    return Proposal({"default_debtor": "off", "debtor_number": ""}, Reason("proposed_no_default_debtor"))


def _missing_default_debtor(context: SetupContext) -> MissingSetting | None:
    if not _have_receipts(context.settings) or context.settings["default_debtor"] != "off":
        return None
    return MissingSetting(Reason("lack_default_debtor"), stops=False)


def _completion(context: SetupContext) -> Proposal | None:
    usual_one = context.defaults.get("default_employee", "")
    employees, branch = (
        context.codes_of_list(till_list("employees")),
        single_code(context.codes_of_list(till_list("branches"))),
    )
    if employees and usual_one not in employees:
        return None
    name = employees.get(usual_one, "")
    why = Reason("proposed_employee", {"name": name}) if name else Reason("proposed_employee_unseen")
    return Proposal({"default_employee": usual_one, "default_branch": branch}, why)


def _rounding(context: SetupContext) -> Proposal:
    account = single_code(
        code for code, name in context.codes_of_list(books_list("ledgers")).items() if ROUNDING.search(name)
    )
    values = {name: context.defaults[name] for name in ("rounding_limit", "rounding_article")}
    why = "proposed_rounding_account" if account else "proposed_rounding"
    return Proposal({**values, "rounding_account": account}, Reason(why))


LEDGERS = books_list("ledgers")
BALANCE_TABLE = ValueTable(
    BALANCE_ACCOUNTS,
    BALANCE_GROUPS,
    LEDGERS,
    looks_up=True,
    causes=("deposit_account_missing", "turnover_group_unknown"),
    code_facts=("group", "type"),
    dimensions=(
        KeyPart(
            "group",
            (Choice(till_list("turnover_groups")), Choice(BALANCE_GROUPS)),
            tuple(map(str, LineCategory)),
            is_required=True,
        ),
    ),
    propose=account_of_till(till_list("turnover_accounts"), LEDGERS, "group"),
)


def _matching_ledgers(accounts: Mapping[str, str], ledgers: Mapping[str, str]) -> dict[str, str]:
    """Return the ledger for each account number of the till that matches exactly one ledger."""
    return {code: account for code, number in accounts.items() if (account := matching_account(number, ledgers))}


def _balances(context: SetupContext) -> Proposal | None:
    """Propose the accounts that the till has for its groups.

    The proposal is made only if the books have these accounts and every group in use gets one.
    """
    rows, ledgers = context.tables.get(BALANCE_ACCOUNTS, {}), context.codes_of_list(LEDGERS)
    till_accounts = _matching_ledgers(context.codes_of_list(till_list("turnover_accounts")), ledgers)
    missing = _groups_without_account(context)
    accounts = {group: till_accounts[group] for group in missing if group in till_accounts}
    if not accounts or any(group not in accounts for group in _groups_in_use(missing, context)):
        return None
    return Proposal({**rows, **accounts}, Reason("proposed_till_accounts"))


def _groups_in_use(groups: Iterable[str], context: SetupContext) -> list[str]:
    unused = unused_groups(context)
    return [group for group in groups if group not in unused]


def _groups_without_account(context: SetupContext) -> list[str]:
    """Return the groups for which a run would find no account."""
    rows = usable_rows(BALANCE_TABLE, context.tables.get(BALANCE_ACCOUNTS, {}), context.codes_of_list)
    types = context.codes_of_list(till_list("turnover_types"))
    categories = {
        group: GROUPS.get(types.get(group, ""), LineCategory.UNKNOWN) for group in context.codes_of_list(BALANCE_GROUPS)
    }
    return [group for group, category in categories.items() if not account_for(rows, group, category)]


def _missing_balance_accounts(context: SetupContext) -> MissingSetting | None:
    """Return the groups in use that have no account, by name. A row for all other groups counts as an account."""
    if wrong := invalid_rows(context, BALANCE_TABLE):
        return MissingSetting(Reason("lack_rows_impossible", {"rows": ", ".join(wrong)}), stops=False)
    missing, names = _groups_in_use(_groups_without_account(context), context), context.codes_of_list(BALANCE_GROUPS)
    if not missing:
        return None
    codes = ", ".join(f"{group} {names[group]}" for group in missing)
    return MissingSetting(Reason("lack_balance_accounts", {"codes": codes}), stops=False)


def _group_accounts(context: SetupContext) -> Proposal:
    """Propose the revenue ledgers that the till has for its groups, if the books have all of them.

    Otherwise revenue is posted by VAT code alone, which a table without rows means.
    """
    rows, ledgers = context.tables.get(GROUP_ACCOUNTS, {}), context.codes_of_list(books_list("revenue_accounts"))
    till_accounts = _matching_ledgers(context.codes_of_list(till_list("turnover_accounts")), ledgers)
    missing = codes_missing_rows(context, GROUPS_TABLE, SALES_GROUPS)
    if not missing or any(group not in till_accounts for group in missing):
        return Proposal(rows, Reason("proposed_revenue_by_vat_code"))
    return Proposal({**{group: till_accounts[group] for group in missing}, **rows}, Reason("proposed_till_accounts"))


def _payments(context: SetupContext) -> Proposal:
    """Propose to book payments with each document, unless the flow of days books them."""
    by_day = DAYS in context.flows
    choice, why = ("day", "proposed_payments_by_day") if by_day else ("document", "proposed_payments_with_document")
    names = [f"payments_of_{name}" for name in PAYMENTS_OF]
    return Proposal(dict.fromkeys(names, choice), Reason(why))


def _missing_group_accounts(context: SetupContext) -> MissingSetting | None:
    """Return the groups that have neither an account of their own nor one by VAT code."""
    missing, names = codes_missing_rows(context, GROUPS_TABLE, SALES_GROUPS), context.codes_of_list(SALES_GROUPS)
    if not missing or not context.tables.get(GROUP_ACCOUNTS) or context.tables.get("revenue_accounts"):
        return None
    codes = ", ".join(f"{group} {names[group]}" for group in missing)
    return MissingSetting(Reason("lack_turnover_accounts_sales", {"codes": codes}), stops=False)


_BY_VAT_CODE = codes_without_row(REVENUE_TABLE, books_list("vat_codes"), is_required=True)


def _missing_revenue_accounts(context: SetupContext) -> MissingSetting | None:
    """Return the VAT codes without an account; with accounts by turnover group, an empty table is accepted."""
    lack = _BY_VAT_CODE(context)
    return None if lack and lack.stops and context.tables.get(GROUP_ACCOUNTS) else lack


def _unbooked_payments(context: SetupContext) -> MissingSetting | None:
    names = [name for name in PAYMENTS_OF if context.settings[name] == "posting"]
    by_day = any(context.settings[f"payments_of_{name}"] == "day" for name in names)
    return MissingSetting(Reason("lack_payments_by_day"), stops=False) if by_day and DAYS not in context.flows else None


def _pays(settings: Mapping[str, Any]) -> bool:
    return any(settings[name] == "posting" and settings[f"payments_of_{name}"] == "document" for name in PAYMENTS_OF)


def _method_accounts(context: SetupContext) -> Proposal | None:
    """Propose the accounts that the till has for its payment methods, if the books have all of them."""
    rows, ledgers = context.tables.get(METHOD_ACCOUNTS, {}), context.codes_of_list(LEDGERS)
    till_accounts = _matching_ledgers(context.codes_of_list(till_list("payment_accounts")), ledgers)
    missing = codes_missing_rows(context, METHODS_TABLE, METHODS)
    if not missing or any(method not in till_accounts for method in missing):
        return None
    return Proposal({**rows, **{method: till_accounts[method] for method in missing}}, Reason("proposed_till_accounts"))


def _missing_method_accounts(context: SetupContext) -> MissingSetting | None:
    missing, names = codes_missing_rows(context, METHODS_TABLE, METHODS), context.codes_of_list(METHODS)
    codes = ", ".join(f"{method} {names[method]}" for method in missing)
    return MissingSetting(Reason("lack_payment_accounts", {"codes": codes}), stops=False) if missing else None


def _unclear_cards(context: SetupContext) -> list[str]:
    """Return the payment methods that may accept vouchers, if the till sells vouchers and names no method for them."""
    turnover = Turnover(
        *(context.codes_of_list(till_list(name)) for name in ("turnover_types", "turnover_vat_codes", "gift_cards"))
    )
    rates = {code: Decimal(rate) for code, rate in context.codes_of_list(till_list("vat_rates")).items()}
    decided = {*turnover.cards, *context.settings["gift_cards"], *context.settings["rounding_methods"]}
    methods = context.codes_of_list(till_list("payment_types")).items()
    return [method for method, type_ in methods if method not in decided and turnover.may_take_vouchers(type_, rates)]


def _cards(context: SetupContext) -> Proposal | None:
    """Propose the current setting if all methods are clear; else nothing, because only the shop knows."""
    if _unclear_cards(context):
        return None
    return Proposal({"gift_cards": context.settings["gift_cards"]}, Reason("proposed_gift_cards_told"))


def _missing_card_decision(context: SetupContext) -> MissingSetting | None:
    unclear = _unclear_cards(context)
    return MissingSetting(Reason("lack_gift_cards", {"codes": ", ".join(unclear)}), stops=False) if unclear else None


def _is_in_use(context: SetupContext) -> bool:
    return bool(context.in_use) and context.in_use["prefix"] == context.settings["reference_prefix"]


def _free_prefix(context: SetupContext) -> Proposal | None:
    """Propose a prefix that no document has, as long as nothing is booked under the current prefix."""
    free = context.in_use.get("free", "")
    if context.booked or not free:
        return None
    facts = {name: context.in_use[name] for name in ("count", "reference")}
    return Proposal({"reference_prefix": free}, Reason("proposed_free_prefix", facts))


def _prefix_in_use(context: SetupContext) -> MissingSetting | None:
    """Return a missing setting if foreign documents have the current prefix.

    A prefix is not replaced once the flow has booked something under it, so a plan waits.
    """
    if not _is_in_use(context):
        return None
    facts = {name: context.in_use[name] for name in ("count", "reference", "prefix")}
    return MissingSetting(Reason("lack_prefix_in_use", facts), stops=False)


QUESTIONS = (
    Question(
        "documents",
        _documents,
        (*AS_USUAL, "daybook"),
        lists=(books_list("daybooks"),),
        find_missing=_missing_days_flow,
        safe_defaults=_plain_daybook,
    ),
    Question("prefix", _free_prefix, ("reference_prefix",), find_missing=_prefix_in_use, applies=_is_in_use),
    vat_question(VAT_TABLE),
    Question(
        "revenue",
        _revenue,
        table="revenue_accounts",
        arises=_are_posted,
        lists=(books_list("vat_codes"), books_list("revenue_accounts")),
        find_missing=_missing_revenue_accounts,
    ),
    Question(
        "groups",
        _group_accounts,
        table=GROUP_ACCOUNTS,
        arises=_are_posted,
        lists=(SALES_GROUPS, till_list("turnover_accounts"), books_list("revenue_accounts")),
        find_missing=_missing_group_accounts,
    ),
    Question(
        "payments",
        _payments,
        tuple(f"payments_of_{name}" for name in PAYMENTS_OF),
        arises=_are_posted,
        find_missing=_unbooked_payments,
    ),
    Question(
        "methods",
        _method_accounts,
        table=METHOD_ACCOUNTS,
        arises=_pays,
        lists=(METHODS, till_list("payment_accounts"), LEDGERS),
        find_missing=_missing_method_accounts,
    ),
    Question(
        "balances",
        _balances,
        table=BALANCE_ACCOUNTS,
        arises=_are_posted,
        lists=(
            BALANCE_GROUPS,
            till_list("turnover_groups"),
            till_list("turnover_types"),
            till_list("turnover_accounts"),
            LEDGERS,
            USED_GROUPS,
        ),
        find_missing=_missing_balance_accounts,
        unused=unused_groups,
    ),
    Question(
        "gift_cards",
        _cards,
        ("gift_cards",),
        arises=_are_posted,
        lists=tuple(
            map(
                till_list,
                ("payment_methods", "payment_types", "gift_cards", "turnover_types", "turnover_vat_codes", "vat_rates"),
            )
        ),
        find_missing=_missing_card_decision,
    ),
    Question(
        "account",
        _collective,
        ("collective_account",),
        lists=(DEBTOR_ACCOUNTS, COLLECTIVE_ACCOUNTS),
        find_missing=_missing_collective_account,
        safe_defaults=_plain_collective,
    ),
    Question(
        "debtor",
        _propose_no_default_debtor,
        ("default_debtor", "debtor_number"),
        find_missing=_missing_default_debtor,
    ),
    Question(
        "payment",
        _terms,
        table=PAYMENT_TERMS,
        lists=(METHODS, books_list("payment_conditions")),
        find_missing=codes_without_row(TERMS_TABLE, METHODS, is_required=False),
    ),
    Question(
        "article",
        default_proposal("proposed_collective_article", "collective_article"),
        ("collective_article",),
        arises=lambda settings: any(settings[name] in ("order", "invoice") for name in AS_USUAL),
    ),
    Question(
        "rounding",
        _rounding,
        ("rounding_limit", "rounding_article", "rounding_account"),
        lists=(books_list("ledgers"),),
    ),
    Question(
        "completion",
        _completion,
        ("default_employee", "default_branch"),
        lists=(till_list("employees"), till_list("branches")),
    ),
)
