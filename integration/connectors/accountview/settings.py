"""How AccountView is reached, and which of its objects and fields mean what in this installation.

Every name of an object or field is a setting, because installations differ; `AccountView.check` holds them against
the dictionary. An empty name means: this installation has no such field; a default name that the dictionary does not
show means the same.
"""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from integration.connectors.http import Pace


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class BusinessObject(_Settings):
    """One thing the web API serves: the code it is asked by, and the table its rows come in."""

    code: str
    table: str
    detail: str = ""  # the table of its lines, where it has lines


class Objects(_Settings):
    """The object codes of this installation; the tables of an answer have other names than the objects."""

    articles: BusinessObject = BusinessObject(code="AK1", table="ARTICLE")
    groups: BusinessObject = BusinessObject(code="AG1", table="ART_GRP")
    vat: BusinessObject = BusinessObject(code="VA1", table="VAT")
    ledgers: BusinessObject = BusinessObject(code="GL1", table="LEDGER")
    debtors: BusinessObject = BusinessObject(code="AR1", table="CONTACT")
    delivery_addresses: BusinessObject = BusinessObject(code="ADDR", table="DEL_ADDR")
    orders: BusinessObject = BusinessObject(code="SO1", table="SO_HDR", detail="SO_LINE")
    trade_invoices: BusinessObject = BusinessObject(code="", table="SO_HDR", detail="SO_LINE")  # no code: not offered
    history: BusinessObject = BusinessObject(code="ALH", table="HST_AL")  # lines of orders that were invoiced
    daybooks: BusinessObject = BusinessObject(code="DJ1", table="DAILY")
    postings: BusinessObject = BusinessObject(code="DJ2", table="DJ_PAGE", detail="DJ_LINE")
    posting_history: tuple[BusinessObject, ...] = ()  # where else our pages may be; read like `postings`
    cost_centres: BusinessObject = BusinessObject(code="CC1", table="COST")
    fields: BusinessObject = BusinessObject(code="FLD", table="DCT_FLD")


class ArticleFields(_Settings):
    """Which column of an article holds what."""

    code: str = Field("ART_CODE", min_length=1)
    name: str = "ART_DESC1"
    price: str = "PX_SELL"
    group: str = "AG_CODE"
    vat_code: str = "VAT_CODE"
    unit: str = "UNT_CODE"
    blocked: str = "REC_BLK"
    changed: str = "CNG_DATE"
    ean: str = ""
    text: str = ""
    short_text: str = ""
    parent: str = ""
    colour: str = ""
    size: str = ""
    currency: str = ""
    stock: str = "QTY_AVAIL"
    stock_technical: str = "QTY_TECH"
    stock_free: str = "QTY_FREE2"
    stock_reserved: str = ""
    stock_ordered: str = "QTY_BESTEL"


class WarehouseFields(_Settings):
    """Where the stock of each warehouse is: one row for each article in each of them. All empty: not read.

    No such object is published, so every name is this installation's own. Where they are given, whoever reads articles
    reads these rows as well: a call for every `conditions` articles, so 50 beside each full page of 1000; two for the
    list of warehouses at the start of an extract; two once, to see that conditions are joined as they should.
    """

    object: str = ""
    table: str = ""
    article: str = ""
    warehouse: str = ""
    quantity: str = ""

    @property
    def on(self) -> bool:
        """Whether the stock of warehouses is read."""
        return bool(self.object)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        given = [bool(name) for name in self.model_dump().values()]
        if any(given) and not all(given):
            raise ValueError("all of object, table, article, warehouse and quantity, or none")
        return self


class GroupFields(_Settings):
    """Which column of an article group holds what."""

    code: str = Field("AG_CODE", min_length=1)
    name: str = "AG_DESC"
    parent: str = ""


class DebtorFields(_Settings):
    """Which column of a debtor holds what."""

    number: str = Field("SUB_NR", min_length=1)
    name: str = Field("ACCT_NAME", min_length=1)
    search_code: str = "SRC_CODE"
    contact: str = "MAIN_CONT"
    street: str = "ADDRESS1"
    postcode: str = "POST_CODE"
    city: str = "CITY"
    country: str = "CNT_CODE"
    phone: str = "TEL_BUS"
    mobile: str = "TEL_MOB"
    email: str = "MAIL_BUS"
    second_email: str = "MC_MAILB"  # the second place where an address is looked for
    website: str = "WWW_URL"
    vat_number: str = "VAT_NR"
    chamber_number: str = "COC_CODE"
    account: str = "ACCT_NR"
    external_id: str = "DEB_NR"
    currency: str = "CUR_CODE"
    language: str = "LNG_CODE"
    payment_condition: str = "DISC_CODE"
    shipping_method: str = "SHIP_MTH"
    revenue_category: str = "REV_CAT"
    revenue_account: str = "LNK_ACCT"
    vat_code: str = "VAT_CODE"
    salesperson: str = "EMP_NR"
    price_list: str = "APX_LIST"
    iban: str = "IBAN_NR"
    blocked: str = "REC_BLK"
    blocked_for_orders: str = "BLK_SP"
    changed: str = "CNG_DATE"


class AddressFields(_Settings):
    """Which column of a delivery address holds what."""

    number: str = Field("REC_ID", min_length=1)
    debtor: str = Field("SUB_NR", min_length=1)
    name: str = "DEL_NAME"
    street: str = "ADDRESS1"
    postcode: str = "POST_CODE"
    city: str = "CITY"
    country: str = "CNT_CODE"
    email: str = "MAIL_BUS"
    phone: str = "TEL_BUS"
    changed: str = "CNG_DATE"


class OrderFields(_Settings):
    """Which column of a sales order holds what; our reference has a setting of its own."""

    order_number: str = "ORD_NR"
    debtor: str = Field("RPL_INV", min_length=1)
    delivery_debtor: str = "RPL_DEL"
    address: str = "DEL_CODE"
    date: str = Field("ORD_DATE", min_length=1)
    invoice_date: str = "INV_DATE"
    delivery_date: str = "DEL_DATE"
    email: str = "TO_EMAIL"
    remark: str = "COMMENT2"
    note: str = "COMMENT3"
    discount: str = "PD_AMT"
    salesperson: str = "EMP_NR"
    payment_condition: str = "DISC_CODE"
    payment_reference: str = "EXT_DESC"
    shipping_method: str = "SHIP_MTH"
    price_list: str = "APX_LIST"
    currency: str = "CUR_CODE"
    cost_centre: str = "COST_CODE"
    gross: str = "GROSS_FLG"
    changed: str = "CNG_DATE"


class OrderLineFields(_Settings):
    """Which column of a line of a sales order holds what."""

    number: str = "REC_ID"  # in its order the lines were entered
    article: str = Field("ART_CODE", min_length=1)
    quantity: str = Field("ORD_QTY", min_length=1)
    price: str = "ART_PX"
    discount_percent: str = "DISC_PCT"
    text: str = "ART_DESC1"
    vat_code: str = "VAT_CODE"
    account: str = "ACCT_NR"
    cost_centre: str = "COST_CODE"
    delivery_date: str = "DEL_DATE"


class PostingFields(_Settings):
    """Which column of a daybook page holds what."""

    reference: str = Field("INV_NR", min_length=1)
    page: str = "PAGE_NR"
    debtor: str = Field("SUB_NR", min_length=1)
    daybook: str = Field("DJ_CODE", min_length=1)
    date: str = Field("TRN_DATE", min_length=1)
    period: str = "PERIOD"
    text: str = "HDR_DESC"
    gross: str = "GROSS_FLG"
    currency: str = "CUR_CODE"
    credit_days: str = "CRED_DAYS"
    payment_condition: str = "DISC_CODE"
    payment_reference: str = "EXT_DESC"
    cost_centre: str = "COST_CODE"
    changed: str = "CNG_DATE"


class PostingLineFields(_Settings):
    """Which column of a line of a daybook page holds what."""

    number: str = "REC_ID"
    account: str = Field("ACCT_NR", min_length=1)
    text: str = "TRN_DESC"
    amount: str = Field("AMOUNT", min_length=1)
    vat_code: str = "VAT_CODE"
    vat: str = "VAT_AMT"
    quantity: str = "TRN_QTY"
    cost_centre: str = "COST_CODE"


class HistoryFields(_Settings):
    """Which column of the history of order lines holds what; those of the joined header come with its name before."""

    header: str = "HST_AH"
    order_number: str = ""
    reference: str = Field("COMMENT1", min_length=1)
    debtor: str = "RPL_INV"
    invoice_date: str = "INV_DATE"
    delivery_date: str = "DEL_DATE"
    shipping_method: str = "SHIP_MTH"
    remark: str = "COMMENT2"
    line_number: str = "REC_ID"
    article: str = "ART_CODE"
    quantity: str = "ART_QTY"
    price: str = "UNIT_PX"
    text: str = "ART_DESC1"


class AccountViewSettings(_Settings):
    """Where AccountView is, who we are there, and how hard it may be asked.

    One call at a time is the default: behind the web API works a program on the customer's own machine.
    """

    url: str = "https://www.accountview.net/api/v3"
    authorize_url: str = "https://www.accountview.net/ams/authorize.aspx"
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    refresh_token: SecretStr | None = None
    company: str = ""  # the Id of the list of companies, not the code people see
    in_flight: int = Field(1, ge=1, le=16)
    per_second: float = Field(10, gt=0)
    connect_seconds: float = Field(10, gt=0)
    read_seconds: float = Field(60, gt=0)
    attempts: int = Field(5, ge=1)
    patience_seconds: float = Field(120, gt=0)
    page_size: int = Field(1000, ge=1, le=1000)
    page_strategy: Literal["number", "last_key"] = "number"
    overlap_seconds: int = Field(300, ge=0)  # stamps come from the clocks of several workstations
    time_zone: str = "Europe/Amsterdam"
    objects: Objects = Objects()
    article: ArticleFields = ArticleFields()
    warehouses: WarehouseFields = WarehouseFields()
    group: GroupFields = GroupFields()
    debtor: DebtorFields = DebtorFields()
    address: AddressFields = AddressFields()
    sales_order: OrderFields = OrderFields()
    sales_order_line: OrderLineFields = OrderLineFields()
    posting: PostingFields = PostingFields()
    posting_line: PostingLineFields = PostingLineFields()
    history: HistoryFields = HistoryFields()
    order_reference_field: str = Field("COMMENT1", min_length=1)
    conditions: int = Field(20, ge=1, le=100)  # of one call, joined by "or"

    def pace(self) -> Pace:
        """Return the limits of the line."""
        return Pace(
            in_flight=self.in_flight,
            per_second=self.per_second,
            connect_seconds=self.connect_seconds,
            read_seconds=self.read_seconds,
            attempts=self.attempts,
            patience_seconds=self.patience_seconds,
        )
