"""The flow of documents as one value: what the till sold becomes sales orders, trade invoices or postings."""

from functools import partial

from integration.core.causes import By, Repair
from integration.core.flow import Flow
from integration.core.records import Field, FieldType, Kind
from integration.core.totals.sorts import Purpose
from integration.flows.forms import (
    Code,
    Codes,
    Day,
    Money,
    Only,
    PerKey,
    Pick,
    Rows,
    Section,
    Several,
    Switch,
    Together,
    Whole,
    Words,
)
from integration.flows.orders.balances import BALANCE_ACCOUNTS, Turnover
from integration.flows.orders.bookings import BothTold
from integration.flows.orders.codes import ARTICLES, REVENUE_ACCOUNTS, VAT_CODES
from integration.flows.orders.logic import Orders
from integration.flows.orders.parties import COUNTRIES
from integration.flows.orders.questions import BALANCE_GROUPS, LEDGERS, QUESTIONS
from integration.flows.orders.settings import OrderSettings, documents
from integration.flows.orders.vocabulary import INVOICE_TYPES, ORDER_TYPES, RECEIPT_TYPES, STATES
from integration.flows.settings import BOOKS, TILL, ValueTable, books, till
from integration.flows.spec import MAPPINGS, Asked, FlowSpec, Needs

_T, _D, _L = FieldType, Kind.ORDER, Kind.LINE
COMPUTED: tuple[Field, ...] = (
    Field("our_reference", "Our reference", _T.CODE, _D),
    Field("description", "Number and customer", _T.TEXT, _D),
    Field("daybook", "Daybook of the settings", _T.CODE, _D),
    Field("period", "Month of the booking date", _T.NUMBER, _D),
    Field("gross", "Prices include VAT", _T.FLAG, _D),
    Field("currency", "Currency", _T.CODE, _D),
    Field("payment_reference", "Reference of the payment provider", _T.TEXT, _D),
    Field("customer_name", "Customer: name", _T.TEXT, _D),
    Field("customer_email", "Customer: e-mail", _T.TEXT, _D),
    Field("customer_phone", "Customer: telephone", _T.TEXT, _D),
    Field("customer_vat_number", "Customer: VAT number", _T.CODE, _D),
    Field("customer_payment_days", "Customer: days to pay", _T.NUMBER, _D),
    Field("customer_price_group", "Customer: price group", _T.CODE, _D),
    Field("books_article", "Article in the books", _T.CODE, _L),
    Field("books_quantity", "Quantity to book", _T.NUMBER, _L),
    Field("books_price", "Price to book", _T.MONEY, _L),
    Field("books_discount", "Discount to book, in percent", _T.NUMBER, _L),
    Field("books_vat_code", "VAT code in the books", _T.CODE, _L),
    Field("books_account", "Ledger account of a posting", _T.CODE, _L),
    Field("books_amount", "Amount of a posting", _T.MONEY, _L),
    Field("books_vat", "VAT of a posting", _T.MONEY, _L),
    Field("books_vat_base", "Taxable amount of a posting", _T.MONEY, _L),
    Field("posting_text", "Text of a posting", _T.TEXT, _L),
    Field("collective_account", "Collective account of the settings", _T.CODE, Kind.RELATION),
    Field("number", "Relation number", _T.CODE, Kind.RELATION),
)


_ORDERS = Only("documents", ("order",))
_AS_ORDERS, _AS_POSTINGS = Only("becomes", ("order", "invoice")), Only("becomes", ("posting",))
_WITH_DEBTOR = Only("default_debtor", ("fallback", "forced"))

SECTIONS = (
    Section(
        "settings_documents",
        (
            Together(
                (
                    Pick("documents", ("order", "invoice", "receipt")),
                    Pick("becomes", ("order", "invoice", "posting"), needs={"invoice": "trade_invoices"}),
                )
            ),
            Several("types", ORDER_TYPES, "type", only=_ORDERS),
            Several("types", INVOICE_TYPES, "type", only=Only("documents", ("invoice",))),
            Several("types", RECEIPT_TYPES, "type", only=Only("documents", ("receipt",))),
            Together(
                (
                    Several("delivery", STATES, "state_of"),
                    Several("cancel", STATES, "state_of"),
                    Several("complete", STATES, "state_of"),
                ),
                only=_ORDERS,
            ),
            Pick("paid", ("all", "only", "not")),
            Together((Codes("categories", till("order_categories")), Codes("branches", till("branches")))),
            Together((Day("date_from"), Whole("most", 1, 100_000))),
        ),
    ),
    Section(
        "settings_customer",
        (
            Pick("default_debtor", ("off", "fallback", "forced")),
            Words("debtor_number", 12, only=_WITH_DEBTOR),
            PerKey("default_debtors_by_branch", till("branches"), None, "debtor_as_above", only=_WITH_DEBTOR),
            Rows("default_debtors_by_country", "col_country", {"debtor": None}, capitals=True, only=_WITH_DEBTOR),
            Switch("create_debtors"),
            Code("collective_account", books("collective_accounts")),
            Pick("addresses", ("off", "when_different", "always")),
        ),
    ),
    Section(
        "settings_booking",
        (
            Words("reference_prefix", 12),
            Code("daybook", books("daybooks"), only=_AS_POSTINGS),
            Words("collective_article", 15, only=_AS_ORDERS),
            Rows(
                "gift_cards",
                "col_payment_method",
                {"purpose": tuple(Purpose)},
                till("payment_methods"),
                words="purpose",
            ),
            Switch("unproven"),
        ),
    ),
    Section(
        "settings_amounts",
        (
            Pick("price_basis", ("till", "incl", "excl"), "basis"),
            Together((Pick("rounding", ("line", "document")), Whole("price_places", 2, 4))),
            Money("rounding_limit"),
            Words("rounding_article", 15, only=_AS_ORDERS),
            Code("rounding_account", books("ledgers"), only=_AS_POSTINGS),
            Codes("rounding_methods", till("payment_methods"), "choose_none"),
        ),
    ),
    Section(
        "settings_completion",
        (
            Code("default_employee", till("employees")),
            Together((Code("default_branch", till("branches")), Words("default_workplace", 10))),
            Together((Words("default_country", 2, capitals=True), Words("default_currency", 3, capitals=True))),
        ),
        ("completion_about",),
    ),
)


FLOW = documents(Kind.ORDER, Kind.SALES_ORDER)


def _as_set(settings: OrderSettings) -> Flow:
    return documents(settings.source, settings.target, unproven=settings.unproven)


# What the till says of what is no revenue; and what the books say of postings: periods, and what a line can hold.
TURNOVER = (till("turnover_types"), till("turnover_vat_codes"), till("gift_cards"))
PERIODS, LINE_FIELDS = books("periods"), books("posting_line_fields")


def _told(settings: OrderSettings, asked: Asked) -> BothTold:
    turnover = Turnover(*map(asked.codes, TURNOVER))
    if settings.target is not Kind.POSTING:
        return BothTold(turnover)
    return BothTold(turnover, asked.codes(PERIODS), asked.codes(LINE_FIELDS))


def _needs(settings: OrderSettings) -> Needs:
    where = () if settings.target is Kind.POSTING else (Kind.ADDRESS,)
    return Needs((Kind.DEBTOR, *where, settings.target), as_invoices=settings.becomes == "invoice")


ORDERS = FlowSpec(
    flow=FLOW,
    settings=OrderSettings,
    make=lambda settings, body, version, tables, asked: Orders(
        settings,
        body,
        version,
        tables,
        asked.rates(BOOKS),
        asked.rates(TILL),
        partial(asked.present, BOOKS, Kind.ARTICLE),
        partial(asked.links, FLOW.name, settings.target),
        _told(settings, asked),
    ),
    made_with=lambda settings: (*TURNOVER, *((PERIODS, LINE_FIELDS) if settings.target is Kind.POSTING else ())),
    mapping=MAPPINGS / "orders.toml",
    as_set=_as_set,
    rated=(BOOKS, TILL),
    parts=(
        (Kind.SALES_ORDER, None),
        (Kind.POSTING, None),
        (Kind.LINE, Kind.LINE),
        (Kind.DEBTOR, Kind.RELATION),
        (Kind.ADDRESS, Kind.ADDRESS),
    ),
    computed=(
        *COMPUTED,
        Field("customer_name", "Customer: name", FieldType.TEXT, Kind.ADDRESS),
        Field("customer_email", "Customer: e-mail", FieldType.TEXT, Kind.ADDRESS),
        Field("customer_phone", "Customer: telephone", FieldType.TEXT, Kind.ADDRESS),
    ),
    tables=(
        ValueTable(
            VAT_CODES,
            till("vat_codes"),
            books("vat_codes"),
            looks_up=True,
            causes=("vat_code_unmapped",),
            by_country=True,
        ),
        ValueTable(
            REVENUE_ACCOUNTS,
            books("vat_codes"),
            books("revenue_accounts"),
            looks_up=True,
            causes=("revenue_account_unmapped",),
            by_country=True,
            for_all=True,
        ),
        ValueTable(
            BALANCE_ACCOUNTS,
            BALANCE_GROUPS,
            LEDGERS,
            looks_up=True,
            causes=("deposit_account_missing", "turnover_group_unknown"),
            named=("group", "sort"),
        ),
        ValueTable(ARTICLES, looks_up=True),
        ValueTable(COUNTRIES, looks_up=True),
        ValueTable(
            "payment_methods",
            till("payment_methods"),
            books("payment_conditions"),
            causes=("payment_method_unmapped",),
            named=("value", "method"),
        ),
        ValueTable("shipping_methods", till("delivery_methods")),
        ValueTable("salespersons", till("employees")),
        ValueTable("cost_centres", till("branches"), books("cost_centres")),
    ),
    repairs={
        "vat_code_unmapped": Repair(By.ROW, "tables", VAT_CODES),
        "currency_without_rate": Repair(tab="settings", name="default_currency"),
        "customer_ambiguous": Repair(By.CHOICE, kind=Kind.DEBTOR),
    },
    mirrors={Kind.DEBTOR: ("customers", Kind.RELATION)},
    objects=(
        "articles",
        "debtors",
        "delivery_addresses",
        "orders",
        "trade_invoices",
        "history",
        "postings",
        "vat",
        "ledgers",
        "daybooks",
        "cost_centres",
        "periods",
    ),
    needs=_needs,
    sections=SECTIONS,
    questions=QUESTIONS,
    brakes=("changes", "changes_percent", "new_debtors"),
    filter_first="category",
    groups=till("branches"),
    noun="order",
    suggested=True,
    turn=2,
)
