"""How AccountView is reached, and which of its objects and fields mean what in this installation.

Every name of an object or field is a setting, because installations differ; `AccountView.check` holds them against
the dictionary. An empty name means: this installation has no such field; a default name that the dictionary does not
show means the same.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from integration.connectors.limits import PerSecond, RateLimits, Seconds
from integration.core.addresses import parsed

SYSTEM = "AccountView"

# A name as AccountView writes it: of an object, a table, a column.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]*$", max_length=40)]


def _address(url: str) -> str:
    address = parsed(url)
    if address is None or not address.bare or not address.is_safe:
        raise PydanticCustomError("expected_https", "expected_https")
    return url.strip()


Address = Annotated[str, AfterValidator(_address)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


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
    fields: BusinessObject = BusinessObject(code="FLD", table="DCT_FLD")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        invoices = self.trade_invoices
        if invoices.code and not (invoices.table and invoices.detail):
            raise PydanticCustomError("expected_invoice_tables", "expected_invoice_tables")
        return self


class ArticleFields(_Settings):
    """Which column of an article holds what."""

    code: Name = Field("ART_CODE", min_length=1)
    name: Name = "ART_DESC1"
    price: Name = "PX_SELL"
    group: Name = "AG_CODE"
    vat_code: Name = "VAT_CODE"
    unit: Name = "UNT_CODE"
    blocked: Name = "REC_BLK"
    changed: Name = "CNG_DATE"
    ean: Name = ""
    text: Name = ""
    short_text: Name = ""
    parent: Name = ""
    colour: Name = ""
    size: Name = ""
    currency: Name = ""
    stock: Name = "QTY_AVAIL"
    stock_technical: Name = "QTY_TECH"
    stock_free: Name = "QTY_FREE2"
    stock_reserved: Name = ""
    stock_ordered: Name = "QTY_BESTEL"


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


class DebtorFields(_Settings):
    """Which column of a debtor holds what."""

    number: Name = Field("SUB_NR", min_length=1)
    name: Name = Field("ACCT_NAME", min_length=1)
    search_code: Name = "SRC_CODE"
    contact: Name = "MAIN_CONT"
    street: Name = "ADDRESS1"
    postcode: Name = "POST_CODE"
    city: Name = "CITY"
    country: Name = "CNT_CODE"
    phone: Name = "TEL_BUS"
    mobile: Name = "TEL_MOB"
    email: Name = "MAIL_BUS"
    second_email: Name = "MC_MAILB"  # the second place where an address is looked for
    website: Name = "WWW_URL"
    vat_number: Name = "VAT_NR"
    chamber_number: Name = "COC_CODE"
    account: Name = "ACCT_NR"
    external_id: Name = "DEB_NR"
    currency: Name = "CUR_CODE"
    language: Name = "LNG_CODE"
    payment_condition: Name = "DISC_CODE"
    shipping_method: Name = "SHIP_MTH"
    revenue_category: Name = "REV_CAT"
    revenue_account: Name = "LNK_ACCT"
    vat_code: Name = "VAT_CODE"
    salesperson: Name = "EMP_NR"
    price_list: Name = "APX_LIST"
    iban: Name = "IBAN_NR"
    blocked: Name = "REC_BLK"
    blocked_for_orders: Name = "BLK_SP"
    changed: Name = "CNG_DATE"


class AddressFields(_Settings):
    """Which column of a delivery address holds what."""

    number: Name = Field("REC_ID", min_length=1)
    debtor: Name = Field("SUB_NR", min_length=1)
    name: Name = "DEL_NAME"
    street: Name = "ADDRESS1"
    postcode: Name = "POST_CODE"
    city: Name = "CITY"
    country: Name = "CNT_CODE"
    email: Name = "MAIL_BUS"
    phone: Name = "TEL_BUS"
    changed: Name = "CNG_DATE"


class OrderFields(_Settings):
    """Which column of a sales order holds what; our reference has a setting of its own."""

    order_number: Name = "ORD_NR"
    debtor: Name = Field("RPL_INV", min_length=1)
    delivery_debtor: Name = "RPL_DEL"
    address: Name = "DEL_CODE"
    date: Name = Field("ORD_DATE", min_length=1)
    invoice_date: Name = "INV_DATE"
    delivery_date: Name = "DEL_DATE"
    email: Name = "TO_EMAIL"
    remark: Name = "COMMENT2"
    note: Name = "COMMENT3"
    discount: Name = "PD_AMT"
    salesperson: Name = "EMP_NR"
    payment_condition: Name = "DISC_CODE"
    payment_reference: Name = "EXT_DESC"
    shipping_method: Name = "SHIP_MTH"
    price_list: Name = "APX_LIST"
    currency: Name = "CUR_CODE"
    cost_centre: Name = "COST_CODE"
    gross: Name = "GROSS_FLG"
    changed: Name = "CNG_DATE"


class OrderLineFields(_Settings):
    """Which column of a line of a sales order holds what."""

    number: Name = "REC_ID"  # in its order the lines were entered
    article: Name = Field("ART_CODE", min_length=1)
    quantity: Name = Field("ORD_QTY", min_length=1)
    price: Name = "ART_PX"
    discount_percent: Name = "DISC_PCT"
    text: Name = "ART_DESC1"
    vat_code: Name = "VAT_CODE"
    account: Name = "ACCT_NR"
    cost_centre: Name = "COST_CODE"
    delivery_date: Name = "DEL_DATE"


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


class PostingFields(_Settings):
    """Which column of a daybook page holds what."""

    reference: Name = Field("INV_NR", min_length=1)
    page: Name = "PAGE_NR"
    debtor: Name = Field("SUB_NR", min_length=1)
    daybook: Name = Field("DJ_CODE", min_length=1)
    date: Name = Field("TRN_DATE", min_length=1)
    period: Name = "PERIOD"
    text: Name = "HDR_DESC"
    gross: Name = "GROSS_FLG"
    currency: Name = "CUR_CODE"
    credit_days: Name = "CRED_DAYS"
    payment_condition: Name = "DISC_CODE"
    payment_reference: Name = "EXT_DESC"
    cost_centre: Name = "COST_CODE"
    changed: Name = "CNG_DATE"


class PostingLineFields(_Settings):
    """Which column of a line of a daybook page holds what."""

    number: Name = "REC_ID"
    account: Name = Field("ACCT_NR", min_length=1)
    text: Name = "TRN_DESC"
    amount: Name = Field("AMOUNT", min_length=1)
    vat_code: Name = "VAT_CODE"
    vat: Name = "VAT_AMT"
    quantity: Name = "TRN_QTY"
    cost_centre: Name = "COST_CODE"


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
    page_size: int = Field(1000, ge=1, le=1000)
    time_zone: str = "Europe/Amsterdam"

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
