"""Delivery addresses: known by what stands on them, created, never changed."""

import re
from collections.abc import Mapping, Sequence

from integration.connectors.accountview.client import AccountViewClient
from integration.connectors.accountview.codec import Row
from integration.connectors.accountview.layout import Layout, Layouts
from integration.connectors.accountview.reader import Reader
from integration.connectors.accountview.target import (
    created,
    debtor_number,
    marker,
    own,
    owner,
    owner_shown,
    pointer,
    rank,
    text_of,
)
from integration.connectors.protocol import References
from integration.core.records import Held, Kind, Record

# What makes a delivery address the same address; blanks and capitals do not.
CONTENT = ("name", "street", "postcode", "city")


class Addresses:
    """The delivery addresses of one installation."""

    def __init__(self, client: AccountViewClient, layouts: Layouts, reader: Reader) -> None:
        self._client = client
        self._layouts = layouts
        self._reader = reader

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return the addresses of the same debtor with the same content."""
        layout = self._layouts.of(Kind.ADDRESS)[0]
        owners = {record.key: owner(record, references) for record in wanted}
        rows = self._reader.rows(
            self._layouts.object_of(Kind.ADDRESS),
            layout.column("debtor").name,
            layout.stored("debtor", owners.values()),
            key=layout.column("number").name,
            fields=layout.wire(*layout.names),
        )
        found: dict[tuple[str, ...], dict[str, Row]] = {}
        for row in rows:
            mark = (layout.text(row, "debtor").casefold(), *(_squeezed(layout.text(row, name)) for name in CONTENT))
            found.setdefault(mark, {})[layout.text(row, "number")] = row
        held = {}
        for record in wanted:
            mark = (owners[record.key].casefold(), *(_squeezed(str(record.values.get(name) or "")) for name in CONTENT))
            if owners[record.key] and mark in found:
                held[record.key] = _address(layout, record, found[mark], references)
        return held

    def create(self, wanted: Record, references: References) -> str:
        """Create an address of a debtor that is there and return its number."""
        layout, of = self._layouts.of(Kind.ADDRESS)[0], self._layouts.object_of(Kind.ADDRESS)
        cells = pointer(layout, "debtor", debtor_number(wanted, references)) | layout.encoded(own(wanted))
        return created(self._client, of, layout, cells)


def _squeezed(value: str) -> str:
    return re.sub(r"\s", "", value).casefold()


def _address(layout: Layout, wanted: Record, rows: Mapping[str, Row], references: References) -> Held:
    number, *others = sorted(rows, key=rank)
    row = rows[number]
    values = layout.decoded(row, wanted.values)
    same = {
        name: wanted.values[name]
        for name in CONTENT
        if name in wanted.values and _squeezed(text_of(wanted, name)) == _squeezed(layout.text(row, name))
    }
    record = Record(Kind.ADDRESS, wanted.key, values | same | owner_shown(layout, row, wanted, references))
    return Held(record, number, marker(layout, row), evidence="content", others=tuple(others))
