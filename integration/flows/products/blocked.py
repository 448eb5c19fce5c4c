"""Articles that are blocked in the books: not for sale at the till, also where nobody has linked them yet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from integration.core.records import Held, Kind, Record, Unreadable
from integration.core.rules import as_text
from integration.core.staged import Staged

# What the till holds of these products, found as a plan would find it.
Look = Callable[[Sequence[Record]], Mapping[str, Held]]


def nothing_found(wanted: Sequence[Record]) -> Mapping[str, Held]:
    """Return that nothing is there."""
    del wanted
    return {}


def is_blocked(record: Record) -> bool:
    """Tell whether an article is blocked in the books."""
    return record.values.get("blocked") is True


def inactive(key: str, parent: str, title: str, number: str) -> Staged:
    """Return an article that goes off sale, and of which nothing else is said."""
    part = Record(Kind.ARTICLE, number, {"active": False}, source=key)
    return Staged(key, parent, title, number, record=Record(Kind.PRODUCT, parent, {}, (part,)))


def is_off_sale(product: Record) -> bool:
    """Tell whether the only article of a product goes off sale, whatever else is said of it."""
    return all(part.values.get("active") is False for part in product.parts)


def single_article(product: Record) -> Record:
    """Return of a product with one article only that it goes off sale."""
    (part,) = product.parts
    return Record(product.kind, product.key, {}, (replace(part, values={"active": False}),), product.source)


def is_alone(product: Record) -> bool:
    """Tell whether a product is one of an article that goes off sale, and says nothing else."""
    return not product.values


def at_the_till(numbers: Mapping[str, str], look: Look) -> dict[str, str]:
    """Return which of these codes the till has under the number of each: one that bears another's code is not it."""
    wanted = [
        Record(Kind.PRODUCT, code, {}, (Record(Kind.ARTICLE, number, {}, source=code),))
        for code, number in numbers.items()
    ]
    held = look(wanted) if wanted else {}
    return {code: number for code, number in numbers.items() if code in held and _has(held[code], code, number)}


def _has(held: Held, code: str, number: str) -> bool:
    if isinstance(held.record, Unreadable) or number in held.elsewhere:
        return True  # the plan says why it has to wait
    owners = [as_text(part.values.get("external_id")).strip() for part in held.record.parts if part.key == number]
    return any(owner in ("", code) for owner in owners)
