"""The translation between AccountView's rows and our records. Wire types and wire habits live here and only here.

Texts are padded with blanks, moments come in three shapes and without a zone to rely on, a number is never empty, and
written rows are positional beside a list of their columns.
"""

from integration.connectors.accountview.codec.bodies import Body, encode_body
from integration.connectors.accountview.codec.cells import Cell, as_wanted, cell_of
from integration.connectors.accountview.codec.columns import Column, decode_column, offered_fields, value_of
from integration.connectors.accountview.codec.records import STOCK, decoder, others
from integration.connectors.accountview.codec.values import PRICE_PLACES, Row, flag, literal, number, stamp, text

__all__ = [
    "PRICE_PLACES",
    "STOCK",
    "Body",
    "Cell",
    "Column",
    "Row",
    "as_wanted",
    "cell_of",
    "decode_column",
    "decoder",
    "encode_body",
    "flag",
    "literal",
    "number",
    "offered_fields",
    "others",
    "stamp",
    "text",
    "value_of",
]
