"""How AccountView is reached, and which of its objects and fields mean what in this installation.

Every name of an object or field is a setting, because installations differ; `AccountView.check` holds them against
the dictionary. An empty name means: this installation has no such field; a default name that the dictionary does not
show means the same.
"""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, create_model, model_validator
from pydantic_core import PydanticCustomError

from integration.connectors.limits import MEGABYTE, Address, Megabytes, PerSecond, RateLimits, Road, Seconds

SYSTEM = "AccountView"

# A name as AccountView writes it: of an object, a table, a column.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]*$", max_length=40)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


Fields = TypeVar("Fields", bound=_Settings)


def _columns(*, needed: Collection[str] = (), **columns: str) -> Callable[[type[Fields]], type[Fields]]:
    """Return what gives settings a field for each of our names, with its usual column; `needed` ones have to have one.

    A class itself declares only what the code asks for by name.
    """
    fields: dict[str, Any] = {
        name: (Name, Field(column, min_length=1) if name in needed else column) for name, column in columns.items()
    }
    return lambda cls: create_model(cls.__name__, __base__=cls, __doc__=cls.__doc__, __module__=__name__, **fields)


class BusinessObject(_Settings):
    """One thing the web API serves: the code it is asked by, and the table its rows come in."""

    code: Name
    table: Name
    detail: Name = ""  # the table of its lines, where it has lines


class Objects(_Settings):
    """The object codes of this installation; the tables of an answer have other names than the objects."""

    articles: BusinessObject = BusinessObject(code="AK1", table="ARTICLE")
    groups: BusinessObject = BusinessObject(code="AG1", table="ART_GRP")
    vat: BusinessObject = BusinessObject(code="VA1", table="VAT")
    ledgers: BusinessObject = BusinessObject(code="GL1", table="LEDGER")
    debtors: BusinessObject = BusinessObject(code="AR1", table="CONTACT")
    delivery_addresses: BusinessObject = BusinessObject(code="ADDR", table="DEL_ADDR")
    orders: BusinessObject = BusinessObject(code="SO1", table="SO_HDR", detail="SO_LINE")
    trade_invoices: BusinessObject = BusinessObject(code="", table="")  # no code: not offered; no public source has one
    history: BusinessObject = BusinessObject(code="ALH", table="HST_AL")  # lines of orders that were invoiced
    daybooks: BusinessObject = BusinessObject(code="DJ1", table="DAILY")
    postings: BusinessObject = BusinessObject(code="DJ2", table="DJ_PAGE", detail="DJ_LINE")
    posting_history: tuple[BusinessObject, ...] = ()  # where else our pages may be; read like `postings`
    cost_centres: BusinessObject = BusinessObject(code="CC1", table="COST")
    periods: BusinessObject = BusinessObject(code="PER", table="ADM_PER")  # of the fiscal year of the book date
    fields: BusinessObject = BusinessObject(code="FLD", table="DCT_FLD")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        invoices = self.trade_invoices
        if invoices.code and not (invoices.table and invoices.detail):
            raise PydanticCustomError("expected_invoice_tables", "expected_invoice_tables")
        return self


@_columns(
    name="ART_DESC1",
    price="PX_SELL",
    group="AG_CODE",
    vat_code="VAT_CODE",
    unit="UNT_CODE",
    blocked="REC_BLK",
    changed="CNG_DATE",
    ean="",
    text="",
    short_text="",
    parent="",
    colour="",
    size="",
    currency="",
    stock="QTY_AVAIL",
    stock_technical="QTY_TECH",
    stock_free="QTY_FREE2",
    stock_reserved="",
    stock_ordered="QTY_BESTEL",
)
class ArticleFields(_Settings):
    """Which column of an article holds what."""

    code: Name = Field("ART_CODE", min_length=1)


class WarehouseFields(_Settings):
    """Where the stock of each warehouse is: one row for each article in each of them. All empty: not read.

    No such object is published, so every name is this installation's own. Where they are given, whoever reads articles
    reads these rows as well: a call for every `conditions` articles, so 50 beside each full page of 1000; two for the
    list of warehouses at the start of an extract; two once, to see that conditions are joined as they should.
    """

    object: Name = ""
    table: Name = ""
    article: Name = ""
    warehouse: Name = ""
    quantity: Name = ""

    @property
    def on(self) -> bool:
        """Whether the stock of warehouses is read."""
        return bool(self.object)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        given = [bool(name) for name in self.model_dump().values()]
        if any(given) and not all(given):
            raise PydanticCustomError("expected_all_or_none", "expected_all_or_none")
        return self


class GroupFields(_Settings):
    """Which column of an article group holds what."""

    code: Name = Field("AG_CODE", min_length=1)
    name: Name = "AG_DESC"
    parent: Name = ""


@_columns(
    needed=("name",),
    name="ACCT_NAME",
    search_code="SRC_CODE",
    contact="MAIN_CONT",
    street="ADDRESS1",
    postcode="POST_CODE",
    city="CITY",
    country="CNT_CODE",
    phone="TEL_BUS",
    mobile="TEL_MOB",
    email="MAIL_BUS",
    second_email="MC_MAILB",  # the second place where an address is looked for
    website="WWW_URL",
    vat_number="VAT_NR",
    chamber_number="COC_CODE",
    account="ACCT_NR",
    external_id="DEB_NR",
    currency="CUR_CODE",
    language="LNG_CODE",
    payment_condition="DISC_CODE",
    shipping_method="SHIP_MTH",
    revenue_category="REV_CAT",
    revenue_account="LNK_ACCT",
    vat_code="VAT_CODE",
    salesperson="EMP_NR",
    price_list="APX_LIST",
    iban="IBAN_NR",
    blocked="REC_BLK",
    blocked_for_orders="BLK_SP",
    changed="CNG_DATE",
)
class DebtorFields(_Settings):
    """Which column of a debtor holds what."""

    number: Name = Field("SUB_NR", min_length=1)


@_columns(
    needed=("debtor",),
    debtor="SUB_NR",
    name="DEL_NAME",
    street="ADDRESS1",
    postcode="POST_CODE",
    city="CITY",
    country="CNT_CODE",
    email="MAIL_BUS",
    phone="TEL_BUS",
    changed="CNG_DATE",
)
class AddressFields(_Settings):
    """Which column of a delivery address holds what."""

    number: Name = Field("REC_ID", min_length=1)


@_columns(
    needed=("debtor", "date"),
    order_number="ORD_NR",
    debtor="RPL_INV",
    delivery_debtor="RPL_DEL",
    address="DEL_CODE",
    date="ORD_DATE",
    invoice_date="INV_DATE",
    delivery_date="DEL_DATE",
    email="TO_EMAIL",
    remark="COMMENT2",
    note="COMMENT3",
    discount="PD_AMT",
    salesperson="EMP_NR",
    payment_condition="DISC_CODE",
    payment_reference="EXT_DESC",
    shipping_method="SHIP_MTH",
    price_list="APX_LIST",
    currency="CUR_CODE",
    cost_centre="COST_CODE",
    gross="GROSS_FLG",
    changed="CNG_DATE",
)
class OrderFields(_Settings):
    """Which column of a sales order holds what; our reference has a setting of its own."""


@_columns(
    needed=("article", "quantity"),
    number="REC_ID",  # in its order the lines were entered
    article="ART_CODE",
    quantity="ORD_QTY",
    price="ART_PX",
    discount_percent="DISC_PCT",
    text="ART_DESC1",
    vat_code="VAT_CODE",
    account="ACCT_NR",
    cost_centre="COST_CODE",
    delivery_date="DEL_DATE",
)
class OrderLineFields(_Settings):
    """Which column of a line of a sales order holds what."""


class InvoiceFields(OrderFields):
    """Which column of a trade invoice holds what: by analogy with orders and with what is processed already.

    Its own number may be empty until the invoice is printed, so it is never what an invoice is found by.
    """

    date: Name = Field("INV_DATE", min_length=1)
    invoice_date: Name = ""  # the same
    reference: Name = Field("COMMENT1", min_length=1)
    invoice_number: Name = "INV_NR"


class InvoiceLineFields(OrderLineFields):
    """Which column of a line of a trade invoice holds what."""

    quantity: Name = Field("ART_QTY", min_length=1)


@_columns(
    needed=("reference", "debtor", "daybook", "date"),
    reference="INV_NR",
    page="PAGE_NR",
    debtor="SUB_NR",
    daybook="DJ_CODE",
    date="TRN_DATE",
    period="PERIOD",
    text="HDR_DESC",
    gross="GROSS_FLG",
    currency="CUR_CODE",
    credit_days="CRED_DAYS",
    payment_condition="DISC_CODE",
    payment_reference="EXT_DESC",
    cost_centre="COST_CODE",
    changed="CNG_DATE",
)
class PostingFields(_Settings):
    """Which column of a daybook page holds what."""


@_columns(
    needed=("account", "amount"),
    number="REC_ID",
    account="ACCT_NR",
    text="TRN_DESC",
    amount="AMOUNT",
    vat_code="VAT_CODE",
    vat="VAT_AMT",
    vat_base="BASE_AMT",
    quantity="TRN_QTY",
    cost_centre="COST_CODE",
)
class PostingLineFields(_Settings):
    """Which column of a line of a daybook page holds what."""


class PeriodFields(_Settings):
    """Which column of a period of a fiscal year holds what."""

    number: Name = Field("PER_NR", min_length=1)
    start: Name = Field("START_DATE", min_length=1)
    end: Name = Field("END_DATE", min_length=1)


class HistoryFields(_Settings):
    """Which column of the history of order lines holds what; those of the joined header come with its name before."""

    header: Name = "HST_AH"
    order_number: Name = ""
    reference: Name = Field("COMMENT1", min_length=1)
    debtor: Name = "RPL_INV"
    invoice_date: Name = "INV_DATE"
    delivery_date: Name = "DEL_DATE"
    shipping_method: Name = "SHIP_MTH"
    remark: Name = "COMMENT2"
    line_number: Name = "REC_ID"
    article: Name = "ART_CODE"
    quantity: Name = "ART_QTY"
    price: Name = "UNIT_PX"
    text: Name = "ART_DESC1"


class Names(_Settings):
    """What this installation calls its objects and fields, and in which manner they are read."""

    objects: Objects = Objects()
    article: ArticleFields = ArticleFields()
    warehouses: WarehouseFields = WarehouseFields()
    group: GroupFields = GroupFields()
    debtor: DebtorFields = DebtorFields()
    address: AddressFields = AddressFields()
    sales_order: OrderFields = OrderFields()
    sales_order_line: OrderLineFields = OrderLineFields()
    trade_invoice: InvoiceFields = InvoiceFields()
    trade_invoice_line: InvoiceLineFields = InvoiceLineFields()
    posting: PostingFields = PostingFields()
    posting_line: PostingLineFields = PostingLineFields()
    history: HistoryFields = HistoryFields()
    period: PeriodFields = PeriodFields()
    order_reference_field: Name = Field("COMMENT1", min_length=1)
    conditions: int = Field(20, ge=1, le=100)  # of one call, joined by "or"
    page_strategy: Literal["number", "last_key"] = "number"
    overlap_seconds: int = Field(300, ge=0)  # stamps come from the clocks of several workstations


class AccountViewSettings(Names):
    """Where AccountView is, who we are there, and how hard it may be asked.

    One call at a time is the default: behind the web API works a program on the customer's own machine.
    """

    url: Address = "https://www.accountview.net/api/v3"
    authorize_url: Address = "https://www.accountview.net/ams/authorize.aspx"
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    refresh_token: SecretStr | None = None
    company: str = ""  # the Id of the list of companies, not the code people see
    in_flight: int = Field(1, ge=1, le=16)
    per_second: PerSecond = 10
    connect_seconds: Seconds = 10
    read_seconds: Seconds = 60
    attempts: int = Field(5, ge=1)
    patience_seconds: Seconds = 120
    answer_megabytes: Megabytes = 64
    proxy: SecretStr = SecretStr("")  # the address of one, with user and password where it wants them
    certificates: Path | None = None  # authorities beside those everybody trusts, as a PEM file
    page_size: int = Field(1000, ge=1, le=1000)
    time_zone: str = "Europe/Amsterdam"

    @property
    def road(self) -> Road:
        """What lies between us and the system."""
        return Road(self.proxy.get_secret_value(), self.certificates)

    @property
    def limits(self) -> RateLimits:
        """How hard AccountView may be asked."""
        return RateLimits(
            in_flight=self.in_flight,
            per_second=self.per_second,
            connect_seconds=self.connect_seconds,
            read_seconds=self.read_seconds,
            attempts=self.attempts,
            patience_seconds=self.patience_seconds,
            answer_bytes=int(self.answer_megabytes * MEGABYTE),
        )


# Defaults that come from neighbouring tables or from a data model: no program is known that uses them.
UNVERIFIED: Mapping[str, frozenset[str]] = {
    "article": frozenset({"vat_code", "unit", "blocked"}),
    "address": frozenset({"changed"}),
    "sales_order": frozenset(
        {
            "order_number", "note", "payment_condition", "payment_reference", "shipping_method", "currency",
            "cost_centre", "gross", "changed",
        }
    ),
    "sales_order_line": frozenset({"number", "discount_percent", "text", "vat_code", "account", "cost_centre"}),
    "trade_invoice": frozenset(InvoiceFields.model_fields),
    "trade_invoice_line": frozenset(InvoiceLineFields.model_fields),
    "history": frozenset({"debtor", "invoice_date", "line_number", "quantity", "text"}),
}  # fmt: skip
