"""The flow of documents as one value: what the till sold becomes sales orders, trade invoices or postings."""

import re
from collections.abc import Mapping
from functools import partial

from integration.core.causes import By, Repair
from integration.core.errors import Reason
from integration.core.flow import Flow
from integration.core.records import Field, FieldType, Kind
from integration.flows.forms import (
    Code,
    Codes,
    Day,
    Known,
    Lack,
    Money,
    Only,
    PerKey,
    Pick,
    Proposal,
    Question,
    Rows,
    Section,
    Several,
    Switch,
    Together,
    Whole,
    Words,
    only,
    rowless,
    usual,
    vat_question,
    without_row,
)
from integration.flows.orders.codes import ARTICLES, REVENUE_ACCOUNTS, VAT_CODES
from integration.flows.orders.logic import Orders
from integration.flows.orders.parties import COUNTRIES
from integration.flows.orders.settings import OrderSettings, documents
from integration.flows.orders.vocabulary import INVOICE_TYPES, ORDER_TYPES, RECEIPT_TYPES, STATES
from integration.flows.settings import BOOKS, TILL, ValueTable, books, till
from integration.flows.spec import MAPPINGS, FlowSpec, Needs

# ---- what the flow of documents is asked in the set-up


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
        arises=lambda settings: settings["becomes"] == "posting",
        lists=(books("vat_codes"), books("revenue_accounts")),
        lacks=rowless("revenue_accounts", books("vat_codes"), needed=True),
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
            Code("deposit_account", books("ledgers"), only=_AS_POSTINGS),
            Rows(
                "deposit_accounts",
                "col_turnover_group",
                {"account": books("ledgers")},
                till("turnover_groups"),
                only=_AS_POSTINGS,
            ),
            Codes("deposit_groups", till("turnover_groups"), "choose_none", only=_AS_POSTINGS),
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
        partial(asked.linked, FLOW.name, settings.target),
    ),
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
            cause="vat_code_unmapped",
            by_country=True,
        ),
        ValueTable(
            REVENUE_ACCOUNTS,
            books("vat_codes"),
            books("revenue_accounts"),
            looks_up=True,
            cause="revenue_account_unmapped",
            by_country=True,
            for_all=True,
        ),
        ValueTable(ARTICLES, looks_up=True),
        ValueTable(COUNTRIES, looks_up=True),
        ValueTable(
            "payment_methods",
            till("payment_methods"),
            books("payment_conditions"),
            cause="payment_method_unmapped",
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
