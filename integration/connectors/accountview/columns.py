"""Names of the AccountView columns for our fields, one group for each kind of record and for its lines.

Every name is a setting, because installations differ. An empty name means that this installation lacks the field; a
default name that the dictionary does not show means the same.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model, model_validator
from pydantic_core import PydanticCustomError

# Name of an object, a table or a column, as AccountView writes it.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]*$", max_length=40)]


class ColumnSettings(BaseModel):
    """Base of the column settings: immutable, and without unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


Fields = TypeVar("Fields", bound=ColumnSettings)


def _columns(*, required: Collection[str] = (), **columns: str) -> Callable[[type[Fields]], type[Fields]]:
    """Return a class decorator that adds a field with its default column for each of our names.

    `required` fields must not be empty. The class itself declares only the fields that the code accesses by name.
    """
    fields: dict[str, Any] = {
        name: (Name, Field(column, min_length=1) if name in required else column) for name, column in columns.items()
    }
    return lambda cls: create_model(cls.__name__, __base__=cls, __doc__=cls.__doc__, __module__=__name__, **fields)


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
    stock_expected="",
)
class ArticleFields(ColumnSettings):
    """Columns of an article."""

    code: Name = Field("ART_CODE", min_length=1)


class WarehouseFields(ColumnSettings):
    """Object, table and columns of the stock per warehouse: one row per article and warehouse. All empty: not read.

    No such object is published, so every name is specific to the installation. Where the names are set, reading
    articles reads these rows as well: a call for every `conditions` articles, so 50 beside each full page of 1000; two
    for the list of warehouses at the start of an extract; two once, to prove that conditions are combined correctly.
    """

    object: Name = ""
    table: Name = ""
    article: Name = ""
    warehouse: Name = ""
    quantity: Name = ""

    @property
    def is_used(self) -> bool:
        """True if the stock of warehouses is read."""
        return bool(self.object)

    @model_validator(mode="after")
    def _require_all_or_none(self) -> Self:
        are_set = [bool(name) for name in self.model_dump().values()]
        if any(are_set) and not all(are_set):
            raise PydanticCustomError("expected_all_or_none", "expected_all_or_none")
        return self


class GroupFields(ColumnSettings):
    """Columns of an article group."""

    code: Name = Field("AG_CODE", min_length=1)
    name: Name = "AG_DESC"
    parent: Name = ""


@_columns(
    required=("name",),
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
    second_email="MC_MAILB",  # used where the first column has no address
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
class DebtorFields(ColumnSettings):
    """Columns of a debtor."""

    number: Name = Field("SUB_NR", min_length=1)


@_columns(
    required=("debtor",),
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
class AddressFields(ColumnSettings):
    """Columns of a delivery address."""

    number: Name = Field("REC_ID", min_length=1)


@_columns(
    required=("debtor", "date"),
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
    shipping_cost="SHIP_COST",
    price_list="APX_LIST",
    currency="CUR_CODE",
    cost_centre="COST_CODE",
    gross="GROSS_FLG",
    changed="CNG_DATE",
    till_id="",  # no standard column is known for it
)
class OrderFields(ColumnSettings):
    """Columns of a sales order; the column of our reference is a separate setting."""


@_columns(
    required=("article", "quantity"),
    number="REC_ID",  # ascending in the order in which the lines were entered
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
class OrderLineFields(ColumnSettings):
    """Columns of a line of a sales order."""


class InvoiceFields(OrderFields):
    """Columns of a trade invoice, by analogy with orders and with processed invoices.

    The invoice number may be empty until the invoice is printed, so an invoice is never looked up by it.
    """

    date: Name = Field("INV_DATE", min_length=1)
    invoice_date: Name = ""  # the same as `date`
    reference: Name = Field("COMMENT1", min_length=1)
    invoice_number: Name = "INV_NR"


class InvoiceLineFields(OrderLineFields):
    """Columns of a line of a trade invoice."""

    quantity: Name = Field("ART_QTY", min_length=1)


@_columns(
    required=("debtor", "date"),
    quotation_number="QT_NR",
    debtor="RPL_INV",
    delivery_debtor="RPL_DEL",
    address="DEL_CODE",
    date="QT_DATE",
    delivery_date="DEL_DATE",
    email="TO_EMAIL",
    remark="COMMENT2",
    note="COMMENT3",
    salesperson="EMP_NR",
    payment_condition="DISC_CODE",
    price_list="APX_LIST",
    currency="CUR_CODE",
    cost_centre="COST_CODE",
    gross="GROSS_FLG",
    changed="CNG_DATE",
    till_id="",  # no standard column is known for it
)
class QuotationFields(ColumnSettings):
    """Columns of a quotation, from a published data model where it has them, otherwise by analogy with orders.

    In that model a quotation has no column for a reference, so this one has no default.
    """

    reference: Name = Field("", min_length=1)


class QuotationLineFields(OrderLineFields):
    """Columns of a line of a quotation, by analogy with processed documents."""

    quantity: Name = Field("ART_QTY", min_length=1)


@_columns(
    required=("reference", "debtor", "daybook", "date"),
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
    till_id="",  # no standard column is known for it
)
class PostingFields(ColumnSettings):
    """Columns of a daybook page."""


@_columns(
    required=("account", "amount"),
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
class PostingLineFields(ColumnSettings):
    """Columns of a line of a daybook page."""


@_columns(
    required=("reference", "daybook", "date", "text"),
    reference="INV_NR",
    page="PAGE_NR",
    daybook="DJ_CODE",
    date="TRN_DATE",
    period="PERIOD",
    text="HDR_DESC",
    gross="GROSS_FLG",
    currency="CUR_CODE",
    till_reference="COMMENT1",
    concept="NO_POST",
    changed="CNG_DATE",
    changed_by="CNG_USR",
    change_number="CNG_NR",
)
class DayPageFields(ColumnSettings):
    """Columns of a daybook page for one day; it has no debtor."""


@_columns(
    required=("account", "amount"),
    number="REC_ID",
    account="ACCT_NR",
    text="TRN_DESC",
    amount="AMOUNT",
    vat_code="VAT_CODE",
    vat="VAT_AMT",
    vat_base="BASE_AMT",
    debtor="SUB_NR",
    item="INV_NR",  # the open item that a line on a collective account creates or settles
    cost_centre="COST_CODE",
)
class DayPageLineFields(ColumnSettings):
    """Columns of a line of a daybook page for one day."""


@_columns(
    required=("date", "account", "amount", "daybook", "page"),
    number="REC_ID",
    date="TRN_DATE",
    account="ACCT_NR",
    amount="AMOUNT",
    vat_code="VAT_CODE",
    vat="VAT_AMT",
    vat_base="BASE_AMT",
    daybook="DJ_CODE",
    page="PAGE_NR",
    item="INV_NR",
    debtor="SUB_NR",
    period="PERIOD",
    text="TRN_DESC",
)
class TransactionFields(ColumnSettings):
    """Columns of a ledger row; the reference of its daybook page is a column of the page."""


class PeriodFields(ColumnSettings):
    """Columns of a period of a fiscal year."""

    number: Name = Field("PER_NR", min_length=1)
    start: Name = Field("START_DATE", min_length=1)
    end: Name = Field("END_DATE", min_length=1)


class HistoryFields(ColumnSettings):
    """Columns of the history of order lines; columns of the joined header have its name as a prefix."""

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


# Defaults taken from related tables or from a data model: no program is known that uses them.
UNVERIFIED: Mapping[str, frozenset[str]] = {
    "article": frozenset({"vat_code", "unit", "blocked"}),
    "address": frozenset({"changed"}),
    "sales_order": frozenset(
        {
            "order_number", "note", "payment_condition", "payment_reference", "shipping_method",
            "shipping_cost", "currency",
            "cost_centre", "gross", "changed",
        }
    ),
    "sales_order_line": frozenset({"number", "discount_percent", "text", "vat_code", "account", "cost_centre"}),
    "day_page": frozenset({"till_reference", "concept"}),
    "day_page_line": frozenset({"debtor", "item"}),
    "trade_invoice": frozenset(InvoiceFields.model_fields),
    "trade_invoice_line": frozenset(InvoiceLineFields.model_fields),
    "quotation": frozenset(QuotationFields.model_fields),
    "quotation_line": frozenset(QuotationLineFields.model_fields),
    "history": frozenset({"debtor", "invoice_date", "line_number", "quantity", "text"}),
}  # fmt: skip
