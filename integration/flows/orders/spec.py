"""The flow of documents as a value: sales of the till become sales orders, trade invoices, quotations or postings."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

from integration.core.booking_state import BookingStage
from integration.core.causes import Repair, RepairKind
from integration.core.flow import Flow
from integration.core.links import Link
from integration.core.records import CurrentRecord, Field, FieldType, Kind, Record
from integration.core.totals.categories import Purpose
from integration.flows.booked_payments import LEANS_ON, booked_payments
from integration.flows.console_marks import free_prefix
from integration.flows.day_pages import pages_of
from integration.flows.forms import (
    Checkbox,
    Code,
    Codes,
    Day,
    FieldGroup,
    IntegerField,
    Money,
    MultiSelect,
    PerKey,
    Rows,
    Section,
    Select,
    TextField,
    VisibleWhen,
)
from integration.flows.orders.articles import ARTICLES
from integration.flows.orders.balances import Turnover
from integration.flows.orders.bookings import BookingContext
from integration.flows.orders.chains import WAYS, ChainQueries
from integration.flows.orders.codes import GROUPS_TABLE, REVENUE_TABLE, VAT_CODES, VAT_TABLE
from integration.flows.orders.decisions import BY_HAND, CANCELLED, CHANGED, OFFERED, REVERSED
from integration.flows.orders.identity import BOOKED_AS, CONFIRMATIONS
from integration.flows.orders.latest_booking import document_of
from integration.flows.orders.logic import OrdersLogic
from integration.flows.orders.questions import BALANCE_TABLE, DAYS, PAYMENTS_OF, QUESTIONS
from integration.flows.orders.references import has_prefix
from integration.flows.orders.refunds import OPTIONS
from integration.flows.orders.settings import (
    DEFAULT_KINDS,
    INVOICE_TYPES,
    ORDER_TYPES,
    RECEIPT_TYPES,
    SOURCES,
    TARGETS,
    OrderSettings,
    documents,
)
from integration.flows.orders.tables import COUNTRIES_TABLE, METHODS_TABLE, TERMS_TABLE
from integration.flows.orders.vocabulary import STATES
from integration.flows.settings import (
    BOOKS,
    COUNTRY_CODES,
    TILL,
    CodeList,
    OwnDocumentMarks,
    ValueTable,
    books_list,
    till_list,
)
from integration.flows.spec import MAPPINGS, FlowContext, FlowSpec, Requirements

_T, _D, _L = FieldType, Kind.ORDER, Kind.LINE
COMPUTED: tuple[Field, ...] = (
    Field("our_reference", "Our reference", _T.CODE, _D),
    Field("description", "Number and customer", _T.TEXT, _D),
    Field("daybook", "Daybook of the settings", _T.CODE, _D),
    Field("period", "Month of the booking date", _T.NUMBER, _D),
    Field("books_shipping", "Shipping cost to book", _T.MONEY, _D),
    Field("gross", "Prices include VAT", _T.FLAG, _D),
    Field("currency", "Currency", _T.CODE, _D),
    Field("payment_reference", "Reference of the payment provider", _T.TEXT, _D),
    Field("customer_name", "Customer: name", _T.TEXT, _D),
    Field("customer_email", "Customer: e-mail", _T.TEXT, _D),
    Field("customer_phone", "Customer: telephone", _T.TEXT, _D),
    Field("customer_vat_number", "Customer: VAT number", _T.CODE, _D),
    Field("customer_payment_days", "Customer: days to pay", _T.NUMBER, _D),
    Field("payment_term", "Payment method, or days to pay", _T.CODE, _D),
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
    Field("contact_person", "First contact person: name", _T.TEXT, Kind.RELATION),
    Field("contact_person_email", "First contact person: e-mail", _T.TEXT, Kind.RELATION),
    Field("number", "Relation number", _T.CODE, Kind.RELATION),
)


_READ_CHOICES = ("order", "invoice", "posting")
_ORDERS, _INVOICES, _RECEIPTS = (VisibleWhen(name, _READ_CHOICES) for name in ("orders", "invoices", "receipts"))
_AS_ORDERS, _AS_POSTINGS = VisibleWhen(tuple(SOURCES), ("order", "invoice")), VisibleWhen(tuple(SOURCES), ("posting",))
_INVOICES_INTO = {"invoice": "trade_invoices"}  # an object of the books that may be absent
_DEBTORS = books_list("debtors")
_WITH_DEBTOR = VisibleWhen("default_debtor", ("fallback", "forced"))

SECTIONS = (
    Section(
        "settings_documents",
        (
            FieldGroup(
                (
                    Select(
                        "orders",
                        ("nothing", "order", "invoice", "posting"),
                        "becomes",
                        needs=_INVOICES_INTO,
                        kinds=TARGETS,
                    ),
                    Select(
                        "invoices",
                        ("nothing", "order", "invoice", "posting", "day"),
                        "becomes",
                        needs=_INVOICES_INTO,
                        shows_first=False,
                        kinds=TARGETS,
                    ),
                )
            ),
            FieldGroup(
                (
                    Select(
                        "receipts",
                        ("nothing", "order", "invoice", "posting", "day"),
                        "becomes",
                        needs=_INVOICES_INTO,
                        shows_first=False,
                        kinds=TARGETS,
                    ),
                    Select(
                        "proposals",
                        ("nothing", "quotation"),
                        "becomes",
                        needs={"quotation": "quotations"},
                        kinds=TARGETS,
                    ),
                )
            ),
            MultiSelect("types", (*ORDER_TYPES, *INVOICE_TYPES, *RECEIPT_TYPES), "type"),
            FieldGroup(
                (
                    MultiSelect("delivery", STATES, "state_of"),
                    MultiSelect("cancel", STATES, "state_of"),
                    MultiSelect("complete", STATES, "state_of"),
                ),
                only=_ORDERS,
            ),
            Select("paid", ("all", "only", "not")),
            FieldGroup((Codes("categories", till_list("order_categories")), Codes("branches", till_list("branches")))),
            FieldGroup((Day("date_from"), IntegerField("most", 1, 100_000))),
            FieldGroup((IntegerField("years_back", 1, 100), IntegerField("years_ahead", 0, 100))),
        ),
    ),
    Section(
        "settings_customer",
        (
            Select("default_debtor", ("off", "fallback", "forced")),
            Code("debtor_number", _DEBTORS, only=_WITH_DEBTOR),
            PerKey("default_debtors_by_branch", till_list("branches"), _DEBTORS, "debtor_as_above", only=_WITH_DEBTOR),
            Rows("default_debtors_by_country", "col_country", {"debtor": _DEBTORS}, COUNTRY_CODES, only=_WITH_DEBTOR),
            Checkbox("create_debtors"),
            Code("collective_account", books_list("collective_accounts")),
            Rows("debtor_vat_codes", "col_country", {"vat_code": books_list("vat_codes")}, COUNTRY_CODES),
            Checkbox("debtor_accounts"),
            Select("addresses", ("off", "when_different", "always")),
        ),
    ),
    Section(
        "settings_booking",
        (
            TextField("reference_prefix", 12),
            Code("daybook", books_list("daybooks"), only=_AS_POSTINGS),
            Code("collective_article", books_list("article_codes"), only=_AS_ORDERS),
            Select("shipping", ("line", "field"), only=_AS_ORDERS),
            FieldGroup(
                (
                    Codes("shipping_groups", till_list("turnover_groups"), "choose_none"),
                    Codes("shipping_articles", None, "choose_none"),
                    Code("shipping_vat_code", books_list("vat_codes")),
                ),
                only=VisibleWhen("shipping", ("field",)),
            ),
            Rows(
                "gift_cards",
                "col_payment_method",
                {"purpose": tuple(Purpose)},
                till_list("payment_methods"),
                words="purpose",
            ),
            Checkbox("unproven"),
            Checkbox("resends"),
        ),
    ),
    Section(
        "settings_payments",
        (
            *(
                Select(
                    f"payments_of_{name}", ("document", "day", "not"), "payments", only=VisibleWhen(name, ("posting",))
                )
                for name in PAYMENTS_OF
            ),
        ),
        ("payments_about",),
    ),
    Section(
        "settings_amounts",
        (
            Select("price_basis", ("till", "incl", "excl"), "basis"),
            FieldGroup((Select("rounding", ("line", "document")), IntegerField("price_places", 2, 4))),
            Money("rounding_limit"),
            TextField("rounding_article", 15, only=_AS_ORDERS),
            Code("rounding_account", books_list("ledgers"), only=_AS_POSTINGS),
            Codes("rounding_methods", till_list("payment_methods"), "choose_none"),
        ),
    ),
    Section(
        "settings_closed",
        (
            FieldGroup((Day("books_closed_through"), Day("vat_filed_through"))),
            Select("late", ("park", "first_open")),
        ),
        ("closed_about",),
    ),
    Section(
        "settings_completion",
        (
            Code("default_employee", till_list("employees")),
            FieldGroup((Code("default_branch", till_list("branches")), TextField("default_workplace", 10))),
            FieldGroup((Code("default_country", COUNTRY_CODES), TextField("default_currency", 3, capitals=True))),
        ),
        ("completion_about",),
    ),
)


FLOW = documents({Kind.ORDER: Kind.SALES_ORDER})


def _flow_of(settings: OrderSettings) -> Flow:
    return documents(settings.targets, unverifiable=settings.unproven)


# Lists of the till about groups that are not revenue, and of the books about postings: periods and line fields.
TURNOVER = (till_list("turnover_types"), till_list("turnover_vat_codes"), till_list("gift_cards"))
PERIODS, LINE_FIELDS = books_list("periods"), books_list("posting_line_fields")
TILL_IDS = books_list("till_ids")
COLLECTIVE = books_list("collective_accounts")


def _booking_context(settings: OrderSettings, flow_context: FlowContext) -> BookingContext:
    context = BookingContext(Turnover(*map(flow_context.codes, TURNOVER)), till_ids=flow_context.codes(TILL_IDS))
    if Kind.POSTING not in settings.written:
        return context
    collective = flow_context.codes(COLLECTIVE) if settings.pays_any else ()
    return replace(
        context, periods=flow_context.codes(PERIODS), line_fields=flow_context.codes(LINE_FIELDS), collective=collective
    )


def _code_lists(settings: OrderSettings) -> tuple[CodeList, ...]:
    of_postings = (PERIODS, LINE_FIELDS) if Kind.POSTING in settings.written else ()
    return (*TURNOVER, TILL_IDS, *of_postings, *((COLLECTIVE,) if settings.pays_any else ()))


def _needs(settings: OrderSettings) -> Requirements:
    where = (Kind.ADDRESS,) if settings.written - {Kind.POSTING} else ()
    as_invoices = any(settings.becomes(kind) == "invoice" for kind in settings.targets)
    return Requirements((Kind.DEBTOR, *where, *sorted(settings.written)), as_invoices=as_invoices)


def _booking_links(context: FlowContext, keys: Collection[str]) -> Mapping[str, Link]:
    """Return the links of these documents under any target kind: the settings may have been different at that time."""
    kinds = dict.fromkeys(DEFAULT_KINDS.values())
    return {key: link for kind in kinds for key, link in context.links(FLOW.name, kind, keys).items()}


def _day_pages(context: FlowContext, keys: Collection[str]) -> Mapping[str, Sequence[Link]]:
    """Return the booked pages of days, by day and branch or by an order whose sales are in them."""
    booked_pages = {
        key: list(pages) for key, pages in pages_of(partial(context.links, DAYS, Kind.DAY_PAGE), keys).items()
    }
    booking_states = context.booking_states(DAYS, (Kind.DAY_PAGE,), keys).values()
    for booking in booking_states:
        if booking.stage is BookingStage.DOUBTFUL:  # it is unknown whether the day is booked
            booked_pages[booking.key].append(Link(Kind.DAY_PAGE, booking.key, ""))
    for key, pages in context.documents_made_from(DAYS, (Kind.DAY_PAGE,), keys).items():
        links = context.links(DAYS, Kind.DAY_PAGE, pages)
        in_doubt = [Link(Kind.DAY_PAGE, page, "") for page in pages if page not in links]
        booked_pages.setdefault(key, []).extend([*links.values(), *in_doubt])
    return booked_pages


def _debtors(context: FlowContext, debtors: Sequence[Record]) -> tuple[Mapping[str, CurrentRecord], Mapping[str, Link]]:
    keys = [debtor.key for debtor in debtors]
    return context.current_records(FLOW.name, BOOKS.system, debtors), context.links(FLOW.name, Kind.DEBTOR, keys)


ORDERS = FlowSpec(
    flow=FLOW,
    settings=OrderSettings,
    make=lambda settings, body, version, tables, context: OrdersLogic(
        settings,
        body,
        version,
        tables,
        context.rates(BOOKS.system),
        context.rates(TILL.system),
        partial(context.present, BOOKS.system, Kind.ARTICLE),
        partial(_booking_links, context),
        _booking_context(settings, context),
        ChainQueries(
            partial(context.booking_states, FLOW.name, BOOKED_AS),
            partial(context.documents_made_from, FLOW.name, BOOKED_AS),
            partial(_day_pages, context),
            partial(context.records, TILL.system, Kind.ORDER),
        ),
        partial(_debtors, context),
        partial(booked_payments, context),
        partial(context.renamed_codes, ARTICLES),
    ),
    code_lists=_code_lists,
    depends_on_settings=LEANS_ON,
    mapping=MAPPINGS / "orders.toml",
    flow_for_settings=_flow_of,
    vat_rate_systems=(BOOKS, TILL),
    parts=(
        (Kind.SALES_ORDER, None),
        (Kind.POSTING, None),
        (Kind.QUOTATION, None),
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
        VAT_TABLE,
        REVENUE_TABLE,
        GROUPS_TABLE,
        BALANCE_TABLE,
        METHODS_TABLE,
        ValueTable(
            ARTICLES,
            till_list("own_articles"),
            books_list("article_codes"),
            looks_up=True,
            causes=("row_article_changed",),
            identified=True,
        ),
        COUNTRIES_TABLE,
        TERMS_TABLE,
        ValueTable("shipping_methods", till_list("delivery_methods"), books_list("shipping_methods")),
        ValueTable("salespersons", till_list("employees"), books_list("salespersons")),
        ValueTable("price_lists", till_list("price_groups"), books_list("price_lists")),
        ValueTable("cost_centres", till_list("branches"), books_list("cost_centres")),
    ),
    repairs={
        "document_changed_after_booking": Repair(RepairKind.DECISION, options=CHANGED),
        "document_cancelled_after_booking": Repair(RepairKind.DECISION, options=CANCELLED),
        "document_without_reference": Repair(RepairKind.DECISION, options=BY_HAND),
        "quotation_changed": Repair(RepairKind.DECISION, options=OFFERED),
        "quotation_cancelled": Repair(RepairKind.DECISION, options=BY_HAND),
        "reference_of_another": Repair(RepairKind.DECISION, options=CONFIRMATIONS),
        "credit_not_exact": Repair(RepairKind.DECISION, "fields", options=CANCELLED),
        "document_changed_after_credit": Repair(RepairKind.DECISION, options=REVERSED),
        "refund_before_order": Repair(RepairKind.DECISION, options=OPTIONS),
        "sale_beyond_order": Repair(RepairKind.DECISION, options=WAYS),
        "vat_code_unmapped": Repair(RepairKind.ROW, "tables", VAT_CODES),
        "currency_without_rate": Repair(tab="settings", name="default_currency"),
        "customer_ambiguous": Repair(RepairKind.CHOICE, kind=Kind.DEBTOR),
    },
    mirrors={Kind.DEBTOR: ("customers", Kind.RELATION)},
    record_of=document_of,
    own_document_marks=OwnDocumentMarks("reference_prefix", has_prefix, free_prefix),
    objects=(
        "articles",
        "debtors",
        "delivery_addresses",
        "orders",
        "trade_invoices",
        "quotations",
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
    filter_first="category",
    groups=till_list("branches"),
    noun="order",
    suggested=True,
    lab_variants=(
        {"invoices": "posting", "payments_of_invoices": "document"},
        {"invoices": "invoice", "proposals": "quotation"},
    ),
    demo_order=2,
)
