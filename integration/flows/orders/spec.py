"""The flow of documents as one value: what the till sold becomes sales orders, trade invoices or postings."""

from collections.abc import Collection, Mapping
from typing import Any

from integration.core.causes import By, Repair
from integration.core.flow import Flow
from integration.core.records import Field, FieldType, Kind
from integration.flows.orders.articles import ARTICLES
from integration.flows.orders.codes import REVENUE_ACCOUNTS, VAT_CODES
from integration.flows.orders.fields import COMPUTED
from integration.flows.orders.logic import Orders
from integration.flows.orders.parties import COUNTRIES
from integration.flows.orders.questions import QUESTIONS
from integration.flows.orders.sections import SECTIONS
from integration.flows.orders.settings import OrderSettings, documents
from integration.flows.spec import MAPPINGS, Asked, FlowSpec, Needs
from integration.flows.systems import BOOKS, TILL, books, till
from integration.flows.tables import ValueTable

FLOW = documents(Kind.ORDER, Kind.SALES_ORDER)


def _make(
    settings: OrderSettings,
    body: Mapping[str, Any],
    version: int,
    tables: Mapping[str, Mapping[str, str]],
    asked: Asked,
) -> Orders:
    def known(codes: Collection[str]) -> set[str]:
        return asked.present(BOOKS, Kind.ARTICLE, codes)

    def linked(ids: Collection[str]) -> Mapping[str, str]:
        return asked.linked(FLOW.name, settings.target, ids)

    return Orders(settings, body, version, tables, asked.rates(BOOKS), asked.rates(TILL), known, linked)


def _as_set(settings: OrderSettings) -> Flow:
    return documents(settings.source, settings.target)


def _needs(settings: OrderSettings) -> Needs:
    where = () if settings.target is Kind.POSTING else (Kind.ADDRESS,)
    return Needs((Kind.DEBTOR, *where, settings.target), as_invoices=settings.becomes == "invoice")


ORDERS = FlowSpec(
    flow=FLOW,
    settings=OrderSettings,
    make=_make,
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
