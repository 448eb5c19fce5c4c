"""Combines articles with the same parent into one product, and checks that its variants can be distinguished."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from integration.core.issues import Issue
from integration.core.records import Kind, Record, Value
from integration.core.rules import EMPTY, as_text
from integration.core.staged_records import StagedRecord
from integration.flows.products.blocked import is_alone, is_off_sale, single_article

Member = tuple[StagedRecord, Record]  # a staged article, and the product with that article alone

UNCHANGED_NUMBER = "kept_number"  # field of a staged, linked article: whether the rule would give it another number now
OLDER_NUMBER = "older_number"  # code under which a plan counts such articles


def split_number_marker(product: Record) -> tuple[Record, str]:
    """Return a staged product without the number marker, and the marker: `linked`, `older`, or empty if new."""
    (part,) = product.parts or (None,)
    if part is None or UNCHANGED_NUMBER not in part.values:
        return product, ""
    values = {name: value for name, value in part.values.items() if name != UNCHANGED_NUMBER}
    number = "older" if part.values[UNCHANGED_NUMBER] else "linked"
    return replace(product, parts=(replace(part, values=values),)), number


def as_list(value: Value) -> tuple[str, ...]:
    """Return a value as a tuple of texts; empty for an empty value."""
    if value is None or value in EMPTY:
        return ()
    return value if isinstance(value, tuple) else (as_text(value).strip(),)


def shared_number(
    member: StagedRecord, duplicates: Mapping[str, tuple[str, ...]], marks: Mapping[str, tuple[str, ...]]
) -> Issue | None:
    """Return an issue if another article has the same number or barcode."""
    for cause, field, value, keys_by_value in (
        ("sku_duplicate", "number", member.number, duplicates),
        ("ean_duplicate", "article.ean", member.mark, marks),
    ):
        others = [key for key in keys_by_value.get(value, ()) if key != member.key] if value else []
        if others:
            facts = {"key": member.key, "article": member.key, "other": ", ".join(others), "value": value}
            return Issue(cause, member.key, field, facts | {"number": member.number})
    return None


def distinct_variants(members: list[Member]) -> tuple[list[Member], list[Issue]]:
    """Return the articles of one product if colour and size distinguish them, or an issue for each of them.

    If only articles that go off sale clash, they are reduced to going off sale and do not hold up the others.
    """
    if _clash([member for member in members if not is_alone(member[1])]) is None:
        return members, []
    members = [(article, single_article(record) if is_off_sale(record) else record) for article, record in members]
    clash = _clash([member for member in members if not is_alone(member[1])])
    return ([], [replace(clash, key=article.key) for article, _ in members]) if clash else (members, [])


def _clash(members: Sequence[Member]) -> Issue | None:
    """Return an issue if colour and size do not distinguish two articles of one product."""
    keys_by_axes: dict[tuple[str, str], str] = {}
    for article, record in members:
        axes = _axes(record)
        other = keys_by_axes.get(axes) or (
            next(iter(keys_by_axes.values()), None) if not any(axes) or ("", "") in keys_by_axes else None
        )
        if other is not None:
            facts = {"key": other, "article": other, "other": article.key, "product": article.parent}
            return Issue("variant_duplicate", other, "article.colour", facts)
        keys_by_axes[axes] = article.key
    return None


def _axes(product: Record) -> tuple[str, str]:
    values = product.parts[0].values
    return as_text(values.get("colour")).strip().casefold(), as_text(values.get("size")).strip().casefold()


def combined_product(members: Sequence[Record]) -> Record:
    """Return one product with all articles: the first non-empty value of each field, and all groups.

    A product without values only takes its article off sale.
    """
    first = members[0]
    if len(members) == 1 and first.key == first.parts[0].source:
        return first
    values: dict[str, Value] = {}
    for member in members:
        values |= {name: value for name, value in member.values.items() if values.get(name) in EMPTY}
    if "name" in values:
        values["name"] = _common_name([member for member in members if member.values])
    if "groups" in values:
        groups = (code for member in members for code in as_list(member.values.get("groups")))
        values["groups"] = tuple(dict.fromkeys(groups))
    return Record(Kind.PRODUCT, first.key, values, tuple(part for member in members for part in member.parts))


def _common_name(members: Sequence[Record]) -> str:
    """Return the common beginning of all variant names, without colour and size: "Trui rood M" gives "Trui"."""
    names = [as_text(member.values.get("name")) for member in members]
    if len(names) > 1 and len(set(names)) == 1:
        return names[0]
    words: list[str] = []
    for column in zip(*(name.split() for name in names), strict=False):
        if len(set(column)) > 1:
            break
        words.append(column[0])
    own = {word for axis in _axes(members[0]) for word in axis.split()}
    while words and words[-1].casefold() in own:
        words.pop()
    return " ".join(words).rstrip(" -,/(") or names[0]


def group_of(members: Sequence[StagedRecord]) -> str:
    """Return the first group of the first product among the members; empty if there is none."""
    for member in members:
        if member.record is not None and member.record.kind is Kind.PRODUCT:
            groups = as_list(member.record.values.get("groups"))
            return groups[0] if groups else ""
    return ""
