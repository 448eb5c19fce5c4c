"""The translation between the till's XML and our records. Wire names and wire habits live here and only here.

Amounts are whole cents in `long` fields and decimal in `decimal` fields; quantities are whole numbers beside a number
of decimals, and without that companion they are whole (the vendor's tutorials); dates are structures in which a zero
means no date; an empty number or flag means no value.
"""

from integration.connectors.mplus.codec.documents import (
    decode_document,
    document_articles,
    document_key,
    document_marker,
    document_relation,
)
from integration.connectors.mplus.codec.edits import Edit, edited
from integration.connectors.mplus.codec.fields import (
    CUSTOM,
    DOCUMENTS,
    FIELDS,
    DocumentType,
    Vocabulary,
    custom_field,
    document_fields,
    offered,
    sequence,
)
from integration.connectors.mplus.codec.products import (
    Group,
    article_number,
    articles,
    decode_groups,
    decode_level,
    decode_product,
    encode_group,
    encode_level,
    encode_product,
    external_id,
    group_numbers,
    marker,
    product_number,
    stock_id,
    stock_managed,
)
from integration.connectors.mplus.codec.relations import (
    Marks,
    RelationForm,
    decode_relation,
    marks,
    marks_of,
    relation_marker,
    relation_number,
)
from integration.connectors.mplus.codec.values import (
    CustomFieldUnknownError,
    UnfitError,
    checked_text,
    if_readable,
    percent,
    raw,
    word,
)

__all__ = [
    "CUSTOM",
    "DOCUMENTS",
    "FIELDS",
    "CustomFieldUnknownError",
    "DocumentType",
    "Edit",
    "Group",
    "Marks",
    "RelationForm",
    "UnfitError",
    "Vocabulary",
    "article_number",
    "articles",
    "checked_text",
    "custom_field",
    "decode_document",
    "decode_groups",
    "decode_level",
    "decode_product",
    "decode_relation",
    "document_articles",
    "document_fields",
    "document_key",
    "document_marker",
    "document_relation",
    "edited",
    "encode_group",
    "encode_level",
    "encode_product",
    "external_id",
    "group_numbers",
    "if_readable",
    "marker",
    "marks",
    "marks_of",
    "offered",
    "percent",
    "product_number",
    "raw",
    "relation_marker",
    "relation_number",
    "sequence",
    "stock_id",
    "stock_managed",
    "word",
]
