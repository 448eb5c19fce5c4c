"""Connection settings of AccountView, and the meaning of objects and fields in this installation.

Every name of an object or field is a setting, because installations differ; `AccountView.check` compares them with the
dictionary. An empty name means that this installation lacks the field; a default name that the dictionary does not show
means the same.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from integration.connectors.accountview.columns import (
    AddressFields,
    ArticleFields,
    ColumnSettings,
    DayPageFields,
    DayPageLineFields,
    DebtorFields,
    GroupFields,
    HistoryFields,
    InvoiceFields,
    InvoiceLineFields,
    Name,
    OrderFields,
    OrderLineFields,
    PeriodFields,
    PostingFields,
    PostingLineFields,
    QuotationFields,
    QuotationLineFields,
    TransactionFields,
    WarehouseFields,
)
from integration.connectors.accountview.price_columns import PriceFields
from integration.connectors.limits import Address, AddressIfAny, Megabytes, PerSecond
from integration.connectors.system_settings import SystemSettings

SYSTEM = "AccountView"


class BusinessObject(ColumnSettings):
    """One object of the web API: the code it is requested by, and the table of its rows."""

    code: Name
    table: Name
    detail: Name = ""  # the table of its lines, if it has lines

    @property
    def reading(self) -> str:
        """Name of a read of the object in errors and logs."""
        return f"read {self.code}"


class Objects(ColumnSettings):
    """The object codes of this installation; the tables of an answer have other names than the objects."""

    articles: BusinessObject = BusinessObject(code="AK1", table="ARTICLE")
    groups: BusinessObject = BusinessObject(code="AG1", table="ART_GRP")
    vat: BusinessObject = BusinessObject(code="VA1", table="VAT")
    ledgers: BusinessObject = BusinessObject(code="GL1", table="LEDGER")
    debtors: BusinessObject = BusinessObject(code="AR1", table="CONTACT")
    delivery_addresses: BusinessObject = BusinessObject(code="ADDR", table="DEL_ADDR")
    orders: BusinessObject = BusinessObject(code="SO1", table="SO_HDR", detail="SO_LINE")
    trade_invoices: BusinessObject = BusinessObject(code="", table="")  # no code: not offered; no public source has one
    quotations: BusinessObject = BusinessObject(code="", table="")  # likewise; a data model calls the table QT_HDR
    history: BusinessObject = BusinessObject(code="ALH", table="HST_AL")  # lines of invoiced orders
    daybooks: BusinessObject = BusinessObject(code="DJ1", table="DAILY")
    postings: BusinessObject = BusinessObject(code="DJ2", table="DJ_PAGE", detail="DJ_LINE")
    posting_history: tuple[BusinessObject, ...] = ()  # other objects that may hold our pages; read like `postings`
    transactions: BusinessObject = BusinessObject(code="GJ1", table="TRANSACT")  # the ledger
    cost_centres: BusinessObject = BusinessObject(code="CC1", table="COST")
    periods: BusinessObject = BusinessObject(code="PER", table="ADM_PER")  # of the fiscal year of the book date
    fields: BusinessObject = BusinessObject(code="FLD", table="DCT_FLD")

    @model_validator(mode="after")
    def _require_complete(self) -> Self:
        for of, expected in (
            (self.trade_invoices, "expected_invoice_tables"),
            (self.quotations, "expected_quotation_tables"),
        ):
            if of.code and not (of.table and of.detail):
                raise PydanticCustomError(expected, expected)
        return self


class Names(ColumnSettings):
    """Names of the installation's objects and fields, and how they are read."""

    objects: Objects = Objects()
    article: ArticleFields = ArticleFields()
    warehouses: WarehouseFields = WarehouseFields()
    prices: PriceFields = PriceFields()
    group: GroupFields = GroupFields()
    debtor: DebtorFields = DebtorFields()
    address: AddressFields = AddressFields()
    sales_order: OrderFields = OrderFields()
    sales_order_line: OrderLineFields = OrderLineFields()
    trade_invoice: InvoiceFields = InvoiceFields()
    trade_invoice_line: InvoiceLineFields = InvoiceLineFields()
    quotation: QuotationFields = QuotationFields()
    quotation_line: QuotationLineFields = QuotationLineFields()
    posting: PostingFields = PostingFields()
    posting_line: PostingLineFields = PostingLineFields()
    day_page: DayPageFields = DayPageFields()
    day_page_line: DayPageLineFields = DayPageLineFields()
    transaction: TransactionFields = TransactionFields()
    history: HistoryFields = HistoryFields()
    period: PeriodFields = PeriodFields()
    order_reference_field: Name = Field("COMMENT1", min_length=1)
    conditions: int = Field(20, ge=1, le=100)  # of one call, combined by "or"
    page_strategy: Literal["number", "last_key"] = "number"
    overlap_seconds: int = Field(300, ge=0)  # stamps come from the clocks of several workstations


class AccountViewAccess(BaseModel):
    """Access to AccountView from environment variables; empty values come from the console's set-up.

    `names` is a file with the installation's names of objects and fields.
    """

    url: AddressIfAny = ""
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    refresh_token: SecretStr = SecretStr("")
    company: str = ""
    names: Path | None = None
    per_second: PerSecond | None = None
    answer_megabytes: Megabytes | None = None


class AccountViewSettings(SystemSettings, Names):
    """Address, account and rate limits of AccountView.

    The default is one call at a time, because the web API works through a program on the customer's own machine.
    """

    url: Address = "https://www.accountview.net/api/v3"
    authorize_url: Address = "https://www.accountview.net/ams/authorize.aspx"
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    refresh_token: SecretStr | None = None
    company: str = ""  # the Id in the list of companies, not the code that people see
    in_flight: int = Field(1, ge=1, le=16)
    page_size: int = Field(1000, ge=1, le=1000)
    time_zone: str = "Europe/Amsterdam"
