"""Articles that become one product together: what they share, what tells them apart, and what they come to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from integration.core.issues import Issue
from integration.core.records import Kind, Record, Value
from integration.core.rules import EMPTY, as_text
from integration.core.staged import Staged
from integration.flows.products.blocked import is_alone, is_off_sale, single_article

Member = tuple[Staged, Record]  # an article as it was read, and the product with that article alone

KEPT_NUMBER = "kept_number"  # of a staged article that is linked: whether the rule would give it another number now
OLDER_NUMBER = "older_number"  # what a plan counts of those


def without_kept(product: Record) -> tuple[Record, str]:
    """Return a staged product without the word about its number, and that: `linked`, `older`, or nothing if new."""
    (part,) = product.parts or (None,)
    if part is None or KEPT_NUMBER not in part.values:
        return product, ""
    values = {name: value for name, value in part.values.items() if name != KEPT_NUMBER}
    number = "older" if part.values[KEPT_NUMBER] else "linked"
    return replace(product, parts=(replace(part, values=values),)), number


def as_list(value: Value) -> tuple[str, ...]:
    """Return a value as a list: nothing for what is empty, one piece for a text."""
    if value is None or value in EMPTY:
        return ()
    return value if isinstance(value, tuple) else (as_text(value).strip(),)


def shared_number(
    member: Staged, duplicates: Mapping[str, tuple[str, ...]], marks: Mapping[str, tuple[str, ...]]
) -> Issue | None:
    """Return an issue when another article has the number or barcode of this one."""
    for cause, field, value, known in (
        ("sku_duplicate", "number", member.number, duplicates),
        ("ean_duplicate", "article.ean", member.mark, marks),
    ):
        others = [key for key in known.get(value, ()) if key != member.key] if value else []
        if others:
            facts = {"key": member.key, "article": member.key, "other": ", ".join(others), "value": value}
            return Issue(cause, member.key, field, facts | {"number": member.number})
    return None


def distinct_variants(members: list[Member]) -> tuple[list[Member], list[Issue]]:
    """Return the articles of one product that can be told apart by colour and size, or why all of them wait.

    Where those on sale can be, one that goes off sale is no reason to wait: it goes alone.
    """
    if _clash([one for one in members if not is_alone(one[1])]) is None:
        return members, []
    members = [(each, single_article(record) if is_off_sale(record) else record) for each, record in members]
    clash = _clash([one for one in members if not is_alone(one[1])])
    return ([], [replace(clash, key=each.key) for each, _ in members]) if clash else (members, [])


def _clash(members: Sequence[Member]) -> Issue | None:
    """Return an issue when two articles of one product cannot be told apart by colour and size."""
    seen: dict[tuple[str, str], str] = {}
    for each, record in members:
        axes = _axes(record)
        other = seen.get(axes) or (next(iter(seen.values()), None) if not any(axes) or ("", "") in seen else None)
        if other is not None:
            facts = {"key": other, "article": other, "other": each.key, "product": each.parent}
            return Issue("variant_duplicate", other, "article.colour", facts)
        seen[axes] = each.key
    return None


def _axes(product: Record) -> tuple[str, str]:
    values = product.parts[0].values
    return as_text(values.get("colour")).strip().casefold(), as_text(values.get("size")).strip().casefold()


def together(members: Sequence[Record]) -> Record:
    """Return one product with the articles of all: of each value the first that is filled, of the groups all.

    One that has no values is taken off sale and says nothing else.
    """
    first = members[0]
    if len(members) == 1 and first.key == first.parts[0].source:
        return first
    values: dict[str, Value] = {}
    for each in members:
        values |= {name: value for name, value in each.values.items() if values.get(name) in EMPTY}
    if "name" in values:
        values["name"] = _common_name([each for each in members if each.values])
    if "groups" in values:
        groups = (code for each in members for code in as_list(each.values.get("groups")))
        values["groups"] = tuple(dict.fromkeys(groups))
    return Record(Kind.PRODUCT, first.key, values, tuple(part for each in members for part in each.parts))


def _common_name(members: Sequence[Record]) -> str:
    """Return what the names of all variants begin with, without colour and size: `Trui rood M` is `Trui`."""
    names = [as_text(each.values.get("name")) for each in members]
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


def group_of(members: Sequence[Staged]) -> str:
    """Return the first group of the first product among members; empty where there is none."""
    for each in members:
        if each.record is not None and each.record.kind is Kind.PRODUCT:
            groups = as_list(each.record.values.get("groups"))
            return groups[0] if groups else ""
    return ""
