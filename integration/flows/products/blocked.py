"""Articles that are blocked in the books and therefore off sale at the till, including unlinked ones."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from integration.core.records import CurrentRecord, Kind, Record, Unreadable
from integration.core.rules import as_text
from integration.core.staged_records import StagedRecord

# Returns these products as the till holds them, with the same lookup that a plan uses.
Look = Callable[[Sequence[Record]], Mapping[str, CurrentRecord]]


def find_no_records(desired: Sequence[Record]) -> Mapping[str, CurrentRecord]:
    del desired
    return {}


def is_blocked(record: Record) -> bool:
    """Return True if an article is blocked in the books."""
    return record.values.get("blocked") is True


def inactive(key: str, parent: str, title: str, number: str) -> StagedRecord:
    """Return an article with only the value that takes it off sale."""
    part = Record(Kind.ARTICLE, number, {"active": False}, source=key)
    return StagedRecord(key, parent, title, number, record=Record(Kind.PRODUCT, parent, {}, (part,)))


def is_off_sale(product: Record) -> bool:
    """Return True if all articles of a product go off sale."""
    return all(part.values.get("active") is False for part in product.parts)


def single_article(product: Record) -> Record:
    """Return a product with one article, reduced to the value that takes it off sale."""
    (part,) = product.parts
    return Record(product.kind, product.key, {}, (replace(part, values={"active": False}),), product.source)


def is_alone(product: Record) -> bool:
    """Return True if a product has no values of its own, so that it only takes articles off sale."""
    return not product.values


def codes_at_till(numbers: Mapping[str, str], look: Look) -> dict[str, str]:
    """Return which of these codes the till has under their numbers; an article of another code does not count."""
    desired = [
        Record(Kind.PRODUCT, code, {}, (Record(Kind.ARTICLE, number, {}, source=code),))
        for code, number in numbers.items()
    ]
    current_records = look(desired) if desired else {}
    return {
        code: number
        for code, number in numbers.items()
        if code in current_records and _has_article(current_records[code], code, number)
    }


def _has_article(current: CurrentRecord, code: str, number: str) -> bool:
    if isinstance(current.record, Unreadable) or number in current.elsewhere:
        return True  # the plan reports why it has to wait
    owners = [as_text(part.values.get("external_id")).strip() for part in current.record.parts if part.key == number]
    return any(owner in ("", code) for owner in owners)
