"""Reads products with articles, groups and stock from the till's XML, and builds request content for them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple, cast

from lxml import etree

from integration.connectors.mplus.client import NAMESPACE, Element, qualified, require_shape
from integration.connectors.mplus.codec.contacts import CONTACT, encode_contact
from integration.connectors.mplus.codec.fields import CUSTOM, QUANTITIES, TYPES, Vocabulary, sequence
from integration.connectors.mplus.codec.prices import LISTS, decode_terms, encode_terms
from integration.connectors.mplus.codec.values import (
    CustomFieldUnknownError,
    Readers,
    UnfitError,
    child_number,
    customs_of,
    decimal_places,
    encode_custom,
    encoded,
    exact_number,
    field_decoder,
    if_readable,
    is_empty_value,
    parse_flag,
    raw_child_text,
    read_if_filled,
    read_values,
    record_number,
    required_integer,
    scaled_number,
    whole_number,
)
from integration.core.money import from_scaled, to_scaled
from integration.core.prices import term_of
from integration.core.records import Field, Kind, Record, Value, WrongValueError, is_number

# Translates a group's number into our code, or a code into the number; None without a counterpart.
Keys = Callable[[str], str | None]


class ArticleIdentity(NamedTuple):
    """Values that identify an article of the till beside its number."""

    name: str
    ean: str
    external_id: str


_STOCK_MANAGED = qualified("stockArticle")
_ARTICLES = f"{qualified('articleList')}/{qualified('article')}"


@cache
def _readers(words: Vocabulary, kind: Kind) -> Readers:
    types = sequence(TYPES[kind])
    readers = {
        qualified(field.wire): (field.name, field_decoder(field, types[field.wire]))
        for field in words.fields_of_kind(kind)
        if field.name != "groups" and field.wire in types
    }
    if words.inverted and kind is Kind.ARTICLE:
        del readers[qualified("active")]
        readers[qualified("discontinued")] = (
            "active",
            lambda element: read_if_filled(element, lambda text: not parse_flag(text)),
        )
    return readers


def card_values(element: Element, kind: Kind, words: Vocabulary) -> dict[str, Value]:
    """Return the simple values of an article or relation by our names or their wire names, and its price terms.

    Raises ValueError when a field does not hold what its type says.
    """
    terms = decode_terms(element, kind, words) if kind in LISTS else {}
    return read_values(element, _readers(words, kind)) | terms


def decode_product(element: Element, key: str, code_of: Keys, words: Vocabulary) -> Record:
    """Return a product with its articles under our key, without groups that are not ours.

    Raises ValueError when a field does not hold what its type says.
    """
    require_shape(element, "Product")
    values = read_values(element, _readers(words, Kind.PRODUCT))
    codes = (code_of(number) for number in group_numbers(element))
    values["groups"] = tuple(code for code in codes if code is not None)
    parts = tuple(_decode_article(article, words) for article in articles(element))
    return Record(Kind.PRODUCT, key, values, parts)


def _decode_article(element: Element, words: Vocabulary) -> Record:
    values = card_values(element, Kind.ARTICLE, words)
    for wire, companion in QUANTITIES.items():
        number = values.get(wire)
        if isinstance(number, Decimal):
            values[wire] = exact_number(from_scaled(int(number), child_number(element, companion)))
    values |= customs_of(element)
    return Record(Kind.ARTICLE, article_number(element), values, source=str(values.get("external_id") or ""))


def article_number(element: Element) -> str:
    """Return an article's number as text without leading zeros. Raises WrongValueError when it has none."""
    return record_number(element, "articleNumber")


def product_number(element: Element) -> str:
    """Return a product's number as text without leading zeros. Raises WrongValueError when it has none."""
    return record_number(element, "productNumber")


def external_id(article: Element) -> str:
    """Return the id of an article in its source system, empty when it has none."""
    return (article.findtext(qualified("extArticleId")) or "").strip()


def articles(product: Element) -> list[Element]:
    return list(product.iterfind(_ARTICLES))


def group_numbers(product: Element) -> tuple[str, ...]:
    """Return the numbers of all groups of a product from both lists that may name them."""
    group_texts = [child.text for child in product.iterfind(qualified("groupNumbers"))]
    sorted_in = [
        record_number(sort_group, "groupNumber")
        for sort_group in product.iterfind(f"{qualified('sortOrderGroupList')}/{qualified('sortOrderGroup')}")
    ]
    return tuple(
        dict.fromkeys(number for text in (*group_texts, *sorted_in) if text and (number := _group_number(text)))
    )


def _group_number(text: str) -> str:
    try:
        return str(whole_number(text.strip()))
    except ValueError:
        raise WrongValueError("groupNumber", text) from None


def change_marker(product: Element) -> int:
    """Return a product's change marker: the highest of its own and its articles' markers."""
    return max(child_number(element, "syncMarker") for element in (product, *articles(product)))


def encode_product(
    desired: Record, numbers: Iterable[str], types: Mapping[str, str], words: Vocabulary
) -> dict[str, Any]:
    """Return a new product as request content, in the groups with these numbers.

    `types` are the custom fields that the till defines. Raises UnfitError and CustomFieldUnknownError.
    """
    product: dict[str, Any] = dict(texts(desired, words))
    product["articleList"] = {
        "article": [{"articleNumber": part.key, **encode_card(part, types, words)} for part in desired.parts]
    }
    member = list(numbers)
    if member:
        product["groupNumbers"] = member
        product["sortOrderGroupList"] = {
            "sortOrderGroup": [{"groupNumber": number, "sortOrder": "0"} for number in member]
        }
    return product


@cache
def _fields_by_name(words: Vocabulary, kind: Kind) -> Mapping[str, Field]:
    return {field.name: field for field in words.fields_of_kind(kind)}


@cache
def _flags(name: str) -> frozenset[str]:
    return frozenset(wire for wire, xsd in sequence(name).items() if xsd == "boolean")


def encode_card(card: Record, types: Mapping[str, str], words: Vocabulary) -> dict[str, Any]:
    """Return the fields of a new article or relation as request content.

    Flags are bool values, because the contract's builder does not accept texts for them. Raises UnfitError and
    CustomFieldUnknownError.
    """
    content: dict[str, Any] = {}
    flags = _flags(TYPES[card.kind])
    for wire, text in texts(card, words):
        content[wire] = text == "true" if wire in flags else text
    for wire, day in date_fields(card):
        content[wire] = {"day": day.day, "mon": day.month, "year": day.year}
    custom = [encode_custom(name, value, types) for name, value in customs(card) if not is_empty_value(value)]
    if custom:
        content["customFieldList"] = {"customField": custom}
    return content | encode_terms(card, words) | encode_contact(card)


def texts(record: Record, words: Vocabulary, *, cleared: bool = False) -> Iterator[tuple[str, str]]:
    """Yield wire name and text of each simple value; empty values only if `cleared` is set."""
    types = sequence(TYPES[record.kind])
    fields_by_name = _fields_by_name(words, record.kind)
    for name, value in record.values.items():
        if name == "groups" or name in CONTACT or name.startswith(CUSTOM) or (":" in name and term_of(name)):
            continue
        field = fields_by_name.get(name)
        if field is None:
            raise CustomFieldUnknownError(name)
        if words.inverted and name == "active" and record.kind is Kind.ARTICLE and isinstance(value, bool):
            yield "discontinued", "false" if value else "true"
        elif types[field.wire] == "tns:SoapMplusDate":
            continue
        elif is_empty_value(value):
            if cleared:
                yield field.wire, ""
        elif field.wire in QUANTITIES and isinstance(value, Decimal):
            places = decimal_places(value)
            yield field.wire, str(to_scaled(value, places))
            yield QUANTITIES[field.wire], str(places)
        else:
            yield field.wire, encoded(name, value, field.type, types[field.wire])


def date_fields(record: Record) -> Iterator[tuple[str, date]]:
    """Yield wire name and value of the dates that are sent as structures."""
    types = sequence(TYPES[record.kind])
    for name, value in record.values.items():
        if types.get(name) == "tns:SoapMplusDate":
            if not isinstance(value, date):
                raise UnfitError(name, value)
            yield name, value


def customs(record: Record) -> Iterator[tuple[str, Value]]:
    """Yield name and value of each custom field."""
    for name, value in record.values.items():
        if name.startswith(CUSTOM):
            yield name.removeprefix(CUSTOM), value


# ---- article groups: the tree as a flat dict, and the content of an update


# ---- stock levels


def decode_level(row: Element, *, reserved: bool) -> Decimal:
    """Return the free stock of an article in a branch; with `reserved`, the sum of free and reserved stock.

    Raises ValueError when a field does not hold what its type says.
    """
    require_shape(row, "ArticleStock")
    free = _scaled(row, "Free")
    return free + _scaled(row, "Reserved") if reserved else free


def decode_reserved(row: Element) -> Decimal:
    """Return the stock of an article that is reserved for orders. Raises WrongValueError."""
    return _scaled(row, "Reserved")


def _scaled(row: Element, suffix: str) -> Decimal:
    return scaled_number(row, f"amount{suffix}", f"decimalPlaces{suffix}")


def stock_id(row: Element) -> int:
    """Return the marker of the last change of a level."""
    return required_integer(row, "stockId")


def raw_stock_setting(article: Element) -> str:
    """Return the unparsed stock setting of an article."""
    return raw_child_text(article, _STOCK_MANAGED)


def article_identity(article: Element) -> ArticleIdentity:
    """Return name, EAN and external id of an article, which show whether its number still means the same article."""
    return ArticleIdentity(*[raw_child_text(article, path) for path in _IDENTITY])


def stock_settings(answer: Element) -> list[tuple[str, str, ArticleIdentity]]:
    """Return number, unparsed stock setting and identity of all articles of an answer.

    Articles without a readable number are left out.

    If each article has number and setting exactly once, both are read with one XPath each, in a quarter of the time.
    """
    articles, plain, numbers, setting_texts = (_article_nodes(answer, path) for path in ("", _ONE_EACH, *_TEXTS))
    if len(articles) == len(plain) == len(numbers) == len(setting_texts) and all(map(is_number, numbers)):
        every = zip(numbers, setting_texts, articles, strict=True)
        return [(str(int(number)), setting, article_identity(article)) for number, setting, article in every]
    entries = (
        (if_readable(article_number, article), raw_stock_setting(article), article_identity(article))
        for article in articles
    )
    return [(number, setting, identity) for number, setting, identity in entries if number is not None]


_IDENTITY = (qualified("description"), qualified("barcode"), qualified("extArticleId"))


_ONE_EACH = "[count(n:articleNumber) = 1 and count(n:stockArticle) = 1]"
_TEXTS = ("/n:articleNumber/text()", "/n:stockArticle/text()")


def _article_nodes(answer: Element, path: str) -> list[Any]:
    """Return the result of an XPath relative to the articles of an answer."""
    return cast("list[Any]", _path(f"n:productList/n:product/n:articleList/n:article{path}")(answer))


@cache
def _path(path: str) -> etree.XPath:
    return etree.XPath(path, namespaces={"n": NAMESPACE}, smart_strings=False)


def stock_managed(setting: str) -> bool | None:
    """Return whether stock is managed for an article by its unparsed setting, None if that is empty.

    Raises WrongValueError for another text than a flag.
    """
    text = setting.strip()
    try:
        return parse_flag(text) if text else None
    except ValueError:
        raise WrongValueError("stockArticle", text) from None


def encode_level(amount: Value) -> dict[str, Any]:
    """Return a level as request content, always with its decimals, because readers differ when they are missing.

    Raises UnfitError.
    """
    if not isinstance(amount, Decimal) or not amount.is_finite():
        raise UnfitError("amount", amount)
    places = decimal_places(amount)
    return {"amount": str(to_scaled(amount, places)), "decimalPlaces": str(places)}
