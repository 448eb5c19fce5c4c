"""The translation between the till's XML and our records. Wire names and wire habits live here and only here.

Amounts are whole cents in `long` fields and decimal in `decimal` fields; quantities are whole numbers beside a number
of decimals, and without that companion they are whole (the vendor's tutorials); dates are structures in which a zero
means no date; an empty number or flag means no value.
"""

from integration.connectors.mplus.codec.edits import Edit, edited
from integration.connectors.mplus.codec.fields import CUSTOM, FIELDS, Words, custom_field, offered, sequence
from integration.connectors.mplus.codec.groups import Group, decode_groups, encode_group
from integration.connectors.mplus.codec.products import (
    article_number,
    articles,
    decode_product,
    encode_product,
    group_numbers,
    marker,
)
from integration.connectors.mplus.codec.values import CustomFieldUnknownError, UnfitError, checked_text, percent

__all__ = [
    "CUSTOM",
    "FIELDS",
    "CustomFieldUnknownError",
    "Edit",
    "Group",
    "UnfitError",
    "Words",
    "article_number",
    "articles",
    "checked_text",
    "custom_field",
    "decode_groups",
    "decode_product",
    "edited",
    "encode_group",
    "encode_product",
    "group_numbers",
    "marker",
    "offered",
    "percent",
    "sequence",
]
