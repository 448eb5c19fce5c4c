"""Questions of the set-up for the flow of closed days, with proposals and missing settings."""

import re
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from integration.core.days.till import NO_GROUP
from integration.core.errors import Reason
from integration.core.ledgers import matching_account
from integration.flows.balance_groups import BALANCE_GROUPS, USED_GROUPS, unused_groups
from integration.flows.forms import (
    MissingSetting,
    Proposal,
    Question,
    SetupContext,
    codes_missing_rows,
    default_proposal,
    invalid_rows,
    single_code,
    vat_question,
)
from integration.flows.orders.codes import VAT_TABLE
from integration.flows.settings import Choice, CodeList, KeyPart, ValueTable, books_list, till_list

DAY_ACCOUNTS, METHOD_ACCOUNTS = "day_accounts", "method_accounts"
COST_ACCOUNTS, STOCK_ACCOUNTS = "day_cost_accounts", "day_stock_accounts"
VAT_CODES, PURCHASE_VAT_CODES, COST_CENTRES = "vat_codes_sales", "purchase_vat_codes", "day_cost_centres"
GROUPS, METHODS, LEDGERS = till_list("turnover_groups"), till_list("payment_methods"), books_list("ledgers")
GROUP_ACCOUNTS, PAYMENT_ACCOUNTS = till_list("turnover_accounts"), till_list("payment_accounts")
GOODS_ACCOUNTS = (till_list("cost_accounts"), till_list("stock_accounts"))
VAT = till_list("vat_codes")
# A turnover group, or none, because sales without a group need an account too.
IN_GROUP = KeyPart("group", (Choice(GROUPS),), (NO_GROUP,), is_required=True)
ACCOUNTS_TABLE = ValueTable(
    DAY_ACCOUNTS,
    GROUPS,
    LEDGERS,
    looks_up=True,
    causes=("day_account_missing", "turnover_group_unknown"),
    code_facts=("group",),
    dimensions=(IN_GROUP, KeyPart("vat_code", (Choice(VAT),))),
    separator="/",
)
METHODS_TABLE = ValueTable(
    METHOD_ACCOUNTS, METHODS, LEDGERS, looks_up=True, causes=("day_method_account_missing",), code_facts=("method",)
)
PURCHASE_TABLE = ValueTable(
    PURCHASE_VAT_CODES, VAT, books_list("vat_codes"), looks_up=True, causes=("purchase_vat_code_unmapped",)
)
COST_CENTRES_TABLE = ValueTable(
    COST_CENTRES,
    GROUPS,
    books_list("cost_centres"),
    looks_up=True,
    dimensions=(KeyPart("group", (Choice(GROUPS), Choice(till_list("branches"), "@")), is_required=True),),
)
COST_TABLE, STOCK_TABLE = (
    ValueTable(
        name,
        GROUPS,
        LEDGERS,
        looks_up=True,
        causes=(cause,),
        code_facts=("group",),
        for_all=True,
        dimensions=(IN_GROUP,),
    )
    for name, cause in ((COST_ACCOUNTS, "day_cost_account_missing"), (STOCK_ACCOUNTS, "day_stock_account_missing"))
)
TABLES = (ACCOUNTS_TABLE, METHODS_TABLE, PURCHASE_TABLE, COST_CENTRES_TABLE, COST_TABLE, STOCK_TABLE)
DAYBOOKS, DAYBOOK_TYPES, LEDGER_RULES = map(books_list, ("day_daybooks", "daybook_types", "ledger_rules"))
DIFFERENCES = re.compile("kasverschil", re.IGNORECASE)  # account names in Dutch books
BANKED = re.compile("kruispost|geld onderweg", re.IGNORECASE)


def _memorial(context: SetupContext) -> str:
    return single_code(
        code for code, daybook_type in context.codes_of_list(DAYBOOK_TYPES).items() if daybook_type == "memorial"
    )


def _daybook(context: SetupContext) -> Proposal | None:
    daybook = _memorial(context)
    return Proposal({"daybook": daybook, "mode": "line"}, Reason("proposed_memorial")) if daybook else None


def _plain_daybook(context: SetupContext) -> dict[str, str]:
    daybook = _memorial(context)
    return {"daybook": daybook} if daybook else {}


def _missing_daybook(context: SetupContext) -> MissingSetting | None:
    daybook = context.settings["daybook"]
    if not daybook:
        return MissingSetting(Reason("lack_day_daybook"), stops=True)
    posts_itself = (
        context.codes_of_list(DAYBOOK_TYPES).get(daybook) == "cash"
    )  # posts the drawer account against every line
    if posts_itself != (context.settings["mode"] == "cash") and daybook in context.codes_of_list(DAYBOOK_TYPES):
        return MissingSetting(Reason("lack_day_mode", {"daybook": daybook}), stops=True)
    return None


def _propose_till_accounts(
    context: SetupContext,
    table: str,
    codes: Mapping[str, str],
    accounts: Mapping[str, str],
    unused: Collection[str] = (),
) -> Proposal | None:
    """Propose the accounts of the till, if each matches exactly one ledger of the books and no code lacks one.

    Codes in `unused` may lack one. Account numbers of the till are whole numbers: 0800 of the books is 800 there.
    """
    rows, ledgers = context.tables.get(table, {}), context.codes_of_list(LEDGERS)
    matches = {code: account for code in codes if (account := matching_account(accounts.get(code, ""), ledgers))}
    missing = [code for code in codes if code not in rows and code not in matches and code not in unused]
    if not matches or missing:
        return None
    return Proposal({**matches, **rows}, Reason("proposed_till_accounts"))


def _accounts(context: SetupContext) -> Proposal | None:
    return _propose_till_accounts(
        context,
        DAY_ACCOUNTS,
        context.codes_of_list(GROUPS),
        context.codes_of_list(GROUP_ACCOUNTS),
        unused_groups(context),
    )


def _methods(context: SetupContext) -> Proposal | None:
    return _propose_till_accounts(
        context, METHOD_ACCOUNTS, context.codes_of_list(METHODS), context.codes_of_list(PAYMENT_ACCOUNTS)
    )


def _groups_without_goods(context: SetupContext) -> list[str]:
    """Return the groups that are not revenue, and if the till has goods accounts for some groups, those without."""
    goods = {
        group for code_list in GOODS_ACCOUNTS for group, account in context.codes_of_list(code_list).items() if account
    }
    return [
        group
        for group in context.codes_of_list(GROUPS)
        if group in context.codes_of_list(BALANCE_GROUPS) or (goods and group not in goods)
    ]


def _propose_goods_accounts(context: SetupContext, table: str, accounts: CodeList) -> Proposal | None:
    return _propose_till_accounts(
        context, table, context.codes_of_list(GROUPS), context.codes_of_list(accounts), _groups_without_goods(context)
    )


def _missing_goods_accounts(context: SetupContext, table: ValueTable, accounts: CodeList) -> MissingSetting | None:
    """Return the missing goods accounts; an accepted account of the till is as good as a row."""
    till_accounts, ledgers = (
        context.codes_of_list(accounts) if context.settings["till_accounts"] else {},
        context.codes_of_list(LEDGERS),
    )
    agreed = [code for code, account in till_accounts.items() if matching_account(account, ledgers)]
    return _missing_rows(context, table, GROUPS, {*_groups_without_goods(context), *agreed})


def _has_costs(settings: Mapping[str, Any]) -> bool:
    """Return True if pages include the cost of sales; pages with counts only have no turnover and no costs."""
    return bool(settings["cost_of_sales"]) and settings["contents"] != "counts"


def _missing_group_accounts(context: SetupContext) -> MissingSetting | None:
    return _missing_accounts(context, ACCOUNTS_TABLE, GROUPS, unused_groups(context))


def _missing_method_accounts(context: SetupContext) -> MissingSetting | None:
    return _missing_accounts(context, METHODS_TABLE, METHODS)


def _missing_accounts(
    context: SetupContext, table: ValueTable, codes: CodeList, unused: Collection[str] = ()
) -> MissingSetting | None:
    return _missing_rows(
        context, table, codes, context.codes_of_list(codes) if context.settings["till_accounts"] else unused
    )


def _missing_rows(
    context: SetupContext, table: ValueTable, codes: CodeList, unused: Collection[str]
) -> MissingSetting | None:
    if wrong := invalid_rows(context, table):
        return MissingSetting(Reason("lack_rows_impossible", {"rows": ", ".join(wrong)}), stops=False)
    names = context.codes_of_list(codes)
    missing_codes = (code for code in codes_missing_rows(context, table, codes) if code not in unused)
    missing = ", ".join(f"{code} {names[code]}" for code in missing_codes)
    return MissingSetting(Reason(f"lack_{table.name}", {"codes": missing}), stops=False) if missing else None


def _drawers(context: SetupContext) -> Proposal | None:
    accounts = _plain_drawers(context)
    return Proposal(accounts, Reason("proposed_by_name")) if len(accounts) == len(_DRAWER_ACCOUNTS) else None


_DRAWER_ACCOUNTS = {"difference_account": DIFFERENCES, "banked_account": BANKED}


def _plain_drawers(context: SetupContext) -> dict[str, str]:
    ledgers = context.codes_of_list(LEDGERS).items()
    accounts = {
        name: single_code(code for code, text in ledgers if words.search(text))
        for name, words in _DRAWER_ACCOUNTS.items()
    }
    return {name: account for name, account in accounts.items() if account}


def _missing_drawer_accounts(context: SetupContext) -> MissingSetting | None:
    lacks = not context.settings["till_accounts"] and not context.settings["difference_account"]
    return MissingSetting(Reason("lack_drawer_accounts"), stops=False) if lacks else None


def _collective(context: SetupContext) -> Proposal | None:
    plain = _plain_collective(context)
    return Proposal({**plain, "collective_debtor": ""}, Reason("proposed_only_one")) if plain else None


def _plain_collective(context: SetupContext) -> dict[str, str]:
    account = single_code(context.codes_of_list(books_list("debtor_accounts"))) or single_code(
        context.codes_of_list(books_list("collective_accounts"))
    )
    return {"collective_account": account} if account else {}


QUESTIONS = (
    Question(
        "daybook",
        _daybook,
        ("daybook", "mode"),
        lists=(DAYBOOKS, DAYBOOK_TYPES),
        find_missing=_missing_daybook,
        safe_defaults=_plain_daybook,
    ),
    Question("closed", default_proposal("proposed_closed_by_flag", "closed_by", "counts"), ("closed_by", "counts")),
    Question("contents", default_proposal("proposed_day_contents", "contents"), ("contents",)),
    vat_question(VAT_TABLE),
    Question(
        "accounts",
        _accounts,
        table=DAY_ACCOUNTS,
        lists=(GROUPS, GROUP_ACCOUNTS, LEDGERS, BALANCE_GROUPS, USED_GROUPS),
        find_missing=_missing_group_accounts,
        unused=unused_groups,
    ),
    Question(
        "methods",
        _methods,
        table=METHOD_ACCOUNTS,
        lists=(METHODS, PAYMENT_ACCOUNTS, LEDGERS),
        find_missing=_missing_method_accounts,
    ),
    Question(
        "drawers",
        _drawers,
        ("difference_account", "banked_account"),
        lists=(LEDGERS,),
        find_missing=_missing_drawer_accounts,
        safe_defaults=_plain_drawers,
    ),
    Question(
        "debtors",
        _collective,
        ("collective_account", "collective_debtor"),
        lists=(books_list("debtor_accounts"), books_list("collective_accounts")),
        safe_defaults=_plain_collective,
    ),
    *(
        Question(
            name,
            partial(_propose_goods_accounts, table=table.name, accounts=accounts),
            table=table.name,
            lists=(GROUPS, BALANCE_GROUPS, *GOODS_ACCOUNTS, LEDGERS),
            find_missing=partial(_missing_goods_accounts, table=table, accounts=accounts),
            arises=_has_costs,
        )
        for name, table, accounts in zip(("costs", "stock"), (COST_TABLE, STOCK_TABLE), GOODS_ACCOUNTS, strict=True)
    ),
)
