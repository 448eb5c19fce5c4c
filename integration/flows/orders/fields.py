"""The fields that rules can read beside those of the till: worked out by the flow, so that amounts add up."""

from integration.core.records import Field, FieldType, Kind

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
