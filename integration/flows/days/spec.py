"""The flow of closed days as one value: what a branch of the till took in becomes a page in a daybook."""

from collections.abc import Collection, Mapping
from datetime import date
from functools import partial
from typing import Any

from integration.core.causes import By, Repair
from integration.core.days.books import DayBooked
from integration.core.days.entries import entry_of_row
from integration.core.errors import RejectedError
from integration.core.ledgers import LedgerRules
from integration.core.records import Field, FieldType, Kind, Record, Unreadable
from integration.core.rules import as_text
from integration.core.standing import Standing, Where
from integration.core.totals.categories import Purpose
from integration.core.totals.sold import NOTHING
from integration.flows.booked_payments import LEANS_ON, methods_of
from integration.flows.console_marks import free_prefix
from integration.flows.day_pages import bears_day, day_of_key, daybooks_of_the_bank
from integration.flows.days.logic import DECISIONS, ONLY_BESIDE, BooksTold, DaysLogic, Tables
from integration.flows.days.questions import (
    COST_ACCOUNTS,
    COST_CENTRES,
    DAY_ACCOUNTS,
    DAYBOOK_TYPES,
    DAYBOOKS,
    LEDGER_RULES,
    LEDGERS,
    METHOD_ACCOUNTS,
    METHODS,
    PURCHASE_VAT_CODES,
    QUESTIONS,
    STOCK_ACCOUNTS,
    TABLES,
    VAT_CODES,
)
from integration.flows.days.settings import FLOW, DaySettings
from integration.flows.days.typed import TYPED, LedgerRow
from integration.flows.forms import (
    Code,
    Codes,
    Day,
    Only,
    Pick,
    Rows,
    Section,
    Switch,
    Together,
    Whole,
)
from integration.flows.orders.balances import Turnover
from integration.flows.orders.buyers import COUNTRIES
from integration.flows.orders.chains import Asks, Chains, in_force
from integration.flows.orders.codes import VAT_TABLE
from integration.flows.orders.newest import document_of
from integration.flows.orders.payments import WITH_PAYMENTS
from integration.flows.orders.references import OrderReferences
from integration.flows.orders.tables import COUNTRIES_TABLE
from integration.flows.settings import BOOKS, TILL, Signs, books_list, till_list
from integration.flows.spec import MAPPINGS, Asked, FlowSpec, Needs

ORDERS = "orders"  # the flow that books documents one by one, and links their customers with debtors
BOOKED_AS = (Kind.POSTING, Kind.SALES_ORDER)

_T, _L = FieldType, Kind.LINE
COMPUTED = (
    Field("our_reference", "Our reference", _T.CODE, Kind.DAY),
    Field("description", "Date and branch", _T.TEXT, Kind.DAY),
    Field("daybook", "Daybook of the settings", _T.CODE, Kind.DAY),
    Field("booking_date", "Booking date", _T.DATE, Kind.DAY),
    Field("period", "Period of the booking date", _T.NUMBER, Kind.DAY),
    Field("gross", "Amounts include VAT", _T.FLAG, Kind.DAY),
    Field("currency", "Currency", _T.CODE, Kind.DAY),
    Field("concept", "As a concept", _T.FLAG, Kind.DAY),
    Field("page_account", "Ledger account of the line", _T.CODE, _L),
    Field("page_text", "Text of the line", _T.TEXT, _L),
    Field("page_amount", "Amount of the line, debit positive", _T.MONEY, _L),
    Field("page_vat_code", "VAT code in the books", _T.CODE, _L),
    Field("page_vat", "VAT as the till charged it", _T.MONEY, _L),
    Field("page_vat_base", "Taxable amount of the line", _T.MONEY, _L),
    Field("page_debtor", "Debtor of the line", _T.CODE, _L),
    Field("page_item", "Open item of the line", _T.CODE, _L),
    Field("page_cost_centre", "Cost centre of the line", _T.CODE, _L),
)

SECTIONS = (
    Section(
        "settings_days",
        (
            Together((Pick("closed_by", ("flag", "counts", "hours")), Pick("counts", ("needed", "when_there")))),
            Whole("hours_after", 1, 240, only=Only("closed_by", ("hours",))),
            Together((Whole("waits_days", 0, 60), Whole("days_around", 0, 7))),
            Together((Day("date_from"), Codes("branches_left_out", till_list("branches"), "choose_none"))),
        ),
    ),
    Section(
        "settings_page",
        (
            Together((Pick("contents", ("all", "receipts", "counts")), Pick("lines", ("account", "group")))),
            Switch("cost_of_sales", only=Only("contents", ("all", "receipts"))),
            Pick("empty_days", ("skip", "page")),
            Code("daybook", DAYBOOKS),
            Together(
                (
                    Pick("mode", ("line", "gross", "separate", "cash")),
                    Pick("sign", ("debit_positive", "credit_positive")),
                )
            ),
            Code("drawer_account", LEDGERS, only=Only("mode", ("cash",))),
            Switch("concept"),
            Switch("resends"),
        ),
        ("prefix_of_days_about",),
    ),
    Section(
        "settings_accounts",
        (
            Switch("till_accounts"),
            Together(
                (
                    Code("collective_account", books_list("collective_accounts")),
                    Code("collective_debtor", books_list("debtors")),
                )
            ),
            Together((Code("difference_account", LEDGERS), Code("banked_account", LEDGERS))),
            Pick("banked_by", ("count", "receipt")),
            Together((Code("down_payments_account", LEDGERS), Code("own_use_account", LEDGERS))),
            Codes("drawers", METHODS, "choose_none"),
            Codes("rounding_methods", METHODS, "choose_none"),
            Rows("gift_cards", "col_payment_method", {"purpose": tuple(Purpose)}, METHODS, words="purpose"),
        ),
    ),
    Section(
        "settings_closed",
        (
            Together((Day("books_closed_through"), Day("vat_filed_through"))),
            Pick("late", ("park", "first_open")),
        ),
    ),
)

# What the logic is made with: accounts and periods of the books, and what the till says of turnover groups and cards.
PERIODS, VAT_ACCOUNTS, LINE_FIELDS = books_list("periods"), books_list("vat_accounts"), books_list("day_line_fields")
_TOLD = (LEDGERS, LEDGER_RULES, PERIODS, VAT_ACCOUNTS, LINE_FIELDS, DAYBOOK_TYPES)
_TURNOVER = (till_list("turnover_types"), till_list("turnover_vat_codes"), till_list("gift_cards"))


_PREFIX = (ORDERS, "reference_prefix")  # of invoices that are open items, and of pages: one for a console


_HOME = (ORDERS, "default_country")  # whose customers are those at home


def _item(prefix: str, record: Record) -> str:
    return OrderReferences(Kind.POSTING, prefix).of(record)


def _unbooked(asked: Asked, keys: Collection[str]) -> set[str]:
    """Return which documents of the till no flow of documents has booked."""
    there = in_force(partial(asked.standings, ORDERS, BOOKED_AS), keys)
    return {key for key in keys if key not in there or there[key].where is not Where.BOOKED}


def _alone(asked: Asked, keys: Collection[str]) -> dict[str, DayBooked]:
    """Return how the flow of documents has booked these documents of the till, or may have."""
    there = in_force(partial(asked.standings, ORDERS, BOOKED_AS), keys).values()
    found = [one for one in there if one.may_be_there]
    relations = {as_text(one.values.get("debtor")) for one in found} - {""}
    debtors = asked.linked(ORDERS, Kind.DEBTOR, relations) if relations else {}
    return {
        one.key: DayBooked(
            is_posted=one.kind is not Kind.SALES_ORDER,
            with_payments=one.values.get(WITH_PAYMENTS) is True,
            debtor=as_text(one.values.get("debtor_number")) or debtors.get(as_text(one.values.get("debtor")), ""),
            item=as_text(one.values.get("reference")),
        )
        for one in found
    }


def _made_alone(asked: Asked, keys: Collection[str]) -> dict[str, list[Standing]]:
    """Return what was made of these documents, and was booked by the flow of documents, or may be."""
    made = {key: set(map(document_of, some)) for key, some in asked.made_of(ORDERS, BOOKED_AS, keys).items()}
    there = in_force(partial(asked.standings, ORDERS, BOOKED_AS), sorted(set().union(*made.values())))
    return {key: [there[one] for one in sorted(some) if one in there] for key, some in made.items()}


def _typed(asked: Asked, days: Collection[date]) -> list[LedgerRow]:
    """Return the rows of the books on some days that are of nobody we know: not of our flows, and not of the bank.

    Of one that cannot be read nobody knows that.
    """
    try:
        records = asked.records(BOOKS, Kind.ENTRY, sorted(day.isoformat() for day in days))
    except RejectedError:
        return []  # these books do not tell what is on their accounts
    entries = [entry_of_row(one) for one in records if not isinstance(one, Unreadable)]
    pages = {one.page for one in entries}
    ours = asked.referred(ORDERS, Kind.POSTING, pages) | asked.referred(FLOW.name, Kind.DAY_PAGE, pages)
    banks = daybooks_of_the_bank(asked.codes(DAYBOOK_TYPES))
    others = [one for one in entries if one.page not in ours and one.page.partition("/")[0] not in banks]
    return [*others, *(one for one in records if isinstance(one, Unreadable))]


def _logic(
    settings: DaySettings,
    body: Mapping[str, Any],
    version: int,
    tables: Mapping[str, Mapping[str, str]],
    asked: Asked,
) -> DaysLogic:
    names = (
        DAY_ACCOUNTS, METHOD_ACCOUNTS, VAT_CODES, PURCHASE_VAT_CODES, COST_CENTRES, COST_ACCOUNTS, STOCK_ACCOUNTS,
        COUNTRIES,
    )  # fmt: skip
    prefix = str(asked.setting(*_PREFIX))
    return DaysLogic(
        settings,
        body,
        version,
        Tables(*(tables.get(name, {}) for name in names)),
        (asked.rates(BOOKS), asked.rates(TILL)),
        BooksTold(
            ledgers=asked.codes(LEDGERS),
            ledger_rules={account: LedgerRules.from_text(text) for account, text in asked.codes(LEDGER_RULES).items()},
            periods=asked.codes(PERIODS),
            vat_accounts=asked.codes(VAT_ACCOUNTS),
            line_fields=asked.codes(LINE_FIELDS),
            turnover=Turnover(*map(asked.codes, _TURNOVER)),
        ),
        partial(asked.links, FLOW.name, Kind.DAY_PAGE),
        partial(asked.linked, ORDERS, Kind.DEBTOR),
        partial(_item, prefix),
        unbooked=partial(_unbooked, asked),
        alone=partial(_alone, asked),
        made_alone=partial(_made_alone, asked),
        booked_payments=partial(methods_of, asked),
        typed=partial(_typed, asked),
        beyond=Chains(
            Asks(
                partial(asked.standings, ORDERS, BOOKED_AS),
                partial(asked.made_of, ORDERS, BOOKED_AS),
                orders=partial(asked.records, TILL, Kind.ORDER),
            ),
            (),
            {},
            NOTHING,
        ).beyond_orders,
        told=partial(asked.records, TILL),
        home=str(asked.setting(*_HOME)),
        prefix=prefix,
    )


_OF_PREFIX = Repair(tab="settings", name=_PREFIX[1], flow=_PREFIX[0])
_UNDECIDED = Repair(By.DECISION, options=DECISIONS)

DAYS = FlowSpec(
    flow=FLOW,
    settings=DaySettings,
    make=_logic,
    made_with=lambda _: (*_TOLD, *_TURNOVER),
    leans_on=(*LEANS_ON, _PREFIX, _HOME),
    mapping=MAPPINGS / "days.toml",
    rated=(BOOKS, TILL),
    parts=((Kind.DAY_PAGE, None), (Kind.LINE, Kind.LINE)),
    computed=COMPUTED,
    tables=(
        *TABLES,
        VAT_TABLE,
        COUNTRIES_TABLE,
    ),
    repairs={
        "vat_code_unmapped": Repair(By.ROW, "tables", VAT_CODES),
        "turnover_group_unknown": Repair(By.ROW, "tables", DAY_ACCOUNTS),
        "day_sale_elsewhere": Repair(By.DECISION, options=ONLY_BESIDE),
        "day_booked_by_hand": Repair(By.DECISION, options=TYPED),
        "day_ledger_unreadable": Repair(By.DECISION, options=TYPED),
        "day_changed_after_booking": _UNDECIDED,
        "day_changed_after_filing": _UNDECIDED,
        "prefix_in_use": _OF_PREFIX,
        "brake_strangers": _OF_PREFIX,
    },
    mirrors={Kind.DEBTOR: ("customers", Kind.RELATION)},
    record_of=day_of_key,
    signs=Signs(_PREFIX[1], bears_day, free_prefix, flow=_PREFIX[0]),
    objects=("postings", "transactions", "vat", "ledgers", "daybooks", "cost_centres", "periods"),
    needs=lambda _: Needs((Kind.DAY_PAGE,), looked_at=(Kind.ENTRY,)),
    sections=SECTIONS,
    questions=QUESTIONS,
    filter_first="branch",
    groups=till_list("branches"),
    noun="day",
    suggested=True,
    turn=5,
)
