"""The flow of closed days as a value: the takings of a branch of the till become a daybook page."""

from collections.abc import Mapping
from typing import Any

from integration.core.causes import Repair, RepairKind
from integration.core.days.vat_return import VatBox
from integration.core.ledgers import LedgerRules
from integration.core.records import Field, FieldType, Kind
from integration.core.totals.categories import GROUPS as GROUP_TYPES
from integration.core.totals.categories import METHODS as PAYMENT_TYPES
from integration.core.totals.categories import LineCategory, Purpose, Tender
from integration.flows.booked_payments import LEANS_ON
from integration.flows.console_marks import free_prefix
from integration.flows.day_pages import bears_day, day_of_key
from integration.flows.days.logic import DECISIONS, ONLY_BESIDE, DaysLogic, ShopIdentity, SystemFacts, Tables
from integration.flows.days.manual_entries import TYPED
from integration.flows.days.queries import ORDERS, DayQueries
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
from integration.flows.forms import (
    Checkbox,
    Code,
    Codes,
    Day,
    FieldGroup,
    IntegerField,
    Rows,
    Section,
    Select,
    VisibleWhen,
)
from integration.flows.orders.balances import Turnover
from integration.flows.orders.buyers import COUNTRIES
from integration.flows.orders.codes import VAT_TABLE
from integration.flows.orders.tables import COUNTRIES_TABLE
from integration.flows.proposals import account_by_types
from integration.flows.settings import BOOKS, TILL, OwnDocumentMarks, books_list, till_list
from integration.flows.spec import MAPPINGS, FlowContext, FlowSpec, Requirements

# The account that the till has for its payment methods and turnover groups of down payments.
_OF_DOWN_PAYMENTS = account_by_types(
    LEDGERS,
    (
        till_list("payment_types"),
        till_list("payment_accounts"),
        [word for word, tender in PAYMENT_TYPES.items() if tender is Tender.DOWN_PAYMENT],
    ),
    (
        till_list("turnover_types"),
        till_list("turnover_accounts"),
        [word for word, category in GROUP_TYPES.items() if category is LineCategory.DOWN_PAYMENT],
    ),
)
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
            FieldGroup((Select("closed_by", ("flag", "counts", "hours")), Select("counts", ("needed", "when_there")))),
            IntegerField("hours_after", 1, 240, only=VisibleWhen("closed_by", ("hours",))),
            FieldGroup((IntegerField("waits_days", 0, 60), IntegerField("days_around", 0, 7))),
            FieldGroup((Day("date_from"), Codes("branches_left_out", till_list("branches"), "choose_none"))),
        ),
    ),
    Section(
        "settings_page",
        (
            FieldGroup((Select("contents", ("all", "receipts", "counts")), Select("lines", ("account", "group")))),
            Checkbox("cost_of_sales", only=VisibleWhen("contents", ("all", "receipts"))),
            Select("empty_days", ("skip", "page")),
            Code("daybook", DAYBOOKS),
            FieldGroup(
                (
                    Select("mode", ("line", "gross", "separate", "cash")),
                    Select("sign", ("debit_positive", "credit_positive")),
                )
            ),
            Code("drawer_account", LEDGERS, only=VisibleWhen("mode", ("cash",))),
            Checkbox("concept"),
            Checkbox("resends"),
        ),
        ("prefix_of_days_about",),
    ),
    Section(
        "settings_accounts",
        (
            Checkbox("till_accounts"),
            FieldGroup(
                (
                    Code("collective_account", books_list("collective_accounts")),
                    Code("collective_debtor", books_list("debtors")),
                )
            ),
            FieldGroup((Code("difference_account", LEDGERS), Code("banked_account", LEDGERS))),
            Select("banked_by", ("count", "receipt")),
            FieldGroup(
                (Code("down_payments_account", LEDGERS, propose=_OF_DOWN_PAYMENTS), Code("own_use_account", LEDGERS))
            ),
            Codes("drawers", METHODS, "choose_none"),
            Codes("rounding_methods", METHODS, "choose_none"),
            Rows("gift_cards", "col_payment_method", {"purpose": tuple(Purpose)}, METHODS, words="purpose"),
        ),
    ),
    Section(
        "settings_vat_return",
        (Rows("vat_boxes", "col_vat_code", {"box": tuple(VatBox)}, books_list("vat_codes"), words="box"),),
    ),
    Section(
        "settings_clearing",
        (
            Codes("payout_accounts", LEDGERS, "choose_none"),
            Codes("balance_accounts", LEDGERS, "choose_none"),
            FieldGroup((Day("clearing_from"), IntegerField("payout_window_days", 0, 60))),
            FieldGroup((IntegerField("payout_late_days", 1, 60), IntegerField("largest_fee_percent", 0, 20))),
        ),
    ),
    Section(
        "settings_closed",
        (
            FieldGroup((Day("books_closed_through"), Day("vat_filed_through"))),
            Select("late", ("park", "first_open")),
        ),
    ),
)

# Code lists of the logic: accounts and periods of the books, turnover groups and gift cards of the till.
PERIODS, VAT_ACCOUNTS, LINE_FIELDS = books_list("periods"), books_list("vat_accounts"), books_list("day_line_fields")
_BOOKS_LISTS = (LEDGERS, LEDGER_RULES, PERIODS, VAT_ACCOUNTS, LINE_FIELDS, DAYBOOK_TYPES)
_TURNOVER = (till_list("turnover_types"), till_list("turnover_vat_codes"), till_list("gift_cards"))


_PREFIX = (ORDERS, "reference_prefix")  # one prefix per console, for open items of invoices and for pages


_HOME = (ORDERS, "default_country")  # the country of the shop


def _logic(
    settings: DaySettings,
    body: Mapping[str, Any],
    version: int,
    tables: Mapping[str, Mapping[str, str]],
    context: FlowContext,
) -> DaysLogic:
    names = (
        DAY_ACCOUNTS, METHOD_ACCOUNTS, VAT_CODES, PURCHASE_VAT_CODES, COST_CENTRES, COST_ACCOUNTS, STOCK_ACCOUNTS,
        COUNTRIES,
    )  # fmt: skip
    prefix = str(context.setting(*_PREFIX))
    return DaysLogic(
        settings,
        body,
        version,
        Tables(*(tables.get(name, {}) for name in names)),
        SystemFacts(
            rates=context.rates(BOOKS.system),
            till_rates=context.rates(TILL.system),
            ledgers=context.codes(LEDGERS),
            ledger_rules={
                account: LedgerRules.from_text(text) for account, text in context.codes(LEDGER_RULES).items()
            },
            periods=context.codes(PERIODS),
            vat_accounts=context.codes(VAT_ACCOUNTS),
            line_fields=context.codes(LINE_FIELDS),
            turnover=Turnover(*map(context.codes, _TURNOVER)),
        ),
        DayQueries(context, prefix),
        ShopIdentity(prefix, str(context.setting(*_HOME))),
    )


_OF_PREFIX = Repair(tab="settings", name=_PREFIX[1], flow=_PREFIX[0])
_DECISION_REPAIR = Repair(RepairKind.DECISION, options=DECISIONS)

DAYS = FlowSpec(
    flow=FLOW,
    settings=DaySettings,
    make=_logic,
    code_lists=lambda _: (*_BOOKS_LISTS, *_TURNOVER),
    depends_on_settings=(*LEANS_ON, _PREFIX, _HOME),
    mapping=MAPPINGS / "days.toml",
    vat_rate_systems=(BOOKS, TILL),
    parts=((Kind.DAY_PAGE, None), (Kind.LINE, Kind.LINE)),
    computed=COMPUTED,
    tables=(
        *TABLES,
        VAT_TABLE,
        COUNTRIES_TABLE,
    ),
    repairs={
        "vat_code_unmapped": Repair(RepairKind.ROW, "tables", VAT_CODES),
        "turnover_group_unknown": Repair(RepairKind.ROW, "tables", DAY_ACCOUNTS),
        "day_sale_elsewhere": Repair(RepairKind.DECISION, options=ONLY_BESIDE),
        "day_booked_by_hand": Repair(RepairKind.DECISION, options=TYPED),
        "day_ledger_unreadable": Repair(RepairKind.DECISION, options=TYPED),
        "day_changed_after_booking": _DECISION_REPAIR,
        "day_changed_after_filing": _DECISION_REPAIR,
        "prefix_in_use": _OF_PREFIX,
        "brake_foreign_documents": _OF_PREFIX,
    },
    mirrors={Kind.DEBTOR: ("customers", Kind.RELATION)},
    record_of=day_of_key,
    own_document_marks=OwnDocumentMarks(_PREFIX[1], bears_day, free_prefix, flow=_PREFIX[0]),
    objects=("postings", "transactions", "vat", "ledgers", "daybooks", "cost_centres", "periods"),
    needs=lambda _: Requirements((Kind.DAY_PAGE,), read_only_kinds=(Kind.ENTRY,)),
    sections=SECTIONS,
    questions=QUESTIONS,
    filter_first="branch",
    groups=till_list("branches"),
    noun="day",
    suggested=True,
    demo_order=5,
)
