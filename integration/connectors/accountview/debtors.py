"""Reads, matches and writes debtors and their delivery addresses."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from integration.connectors.accountview.client import AccountViewClient
from integration.connectors.accountview.codec import (
    NUMBERS,
    TEXTS,
    Body,
    Cell,
    Row,
    decode_flag,
    has_hidden_signs,
    has_unique_columns,
    require_unique_columns,
)
from integration.connectors.accountview.layout import Layout, Layouts
from integration.connectors.accountview.prices import BooksPrices
from integration.connectors.accountview.reader import RowReader
from integration.connectors.accountview.rows import (
    read_of,
    require_key,
    require_values,
    unique_by_column,
    unmapped_values,
    whole_records,
)
from integration.connectors.accountview.settings import SYSTEM
from integration.connectors.accountview.source import Pages, Reading
from integration.connectors.accountview.target import (
    PLANNED,
    change_stamp,
    create_record,
    debtor_number,
    field_text_of,
    owner,
    owner_shown,
    pointer,
    rank,
    without_case,
    writable_values,
)
from integration.connectors.protocol import References
from integration.core.errors import RejectedError
from integration.core.link_evidence import Identity, identity_of
from integration.core.plan import Change, differences
from integration.core.records import Batch, CurrentRecord, Kind, Record, WriteResult, WrongValueError
from integration.core.transliteration import normalized_text
from integration.core.vat_numbers import bare_vat_number, same_vat_number, without_prefix


@dataclass(frozen=True, slots=True)
class _Evidence:
    """One way to match a debtor: the columns to query, the value to look for, and how both sides are normalized."""

    name: str
    columns: tuple[str, ...]
    of: Callable[[Record], str]
    mark: Callable[[str], str]
    spellings: Callable[[str], set[str]]


class Debtors:
    """The debtors of one installation."""

    def __init__(
        self, client: AccountViewClient, layouts: Layouts, reader: RowReader, pages: Pages, prices: BooksPrices
    ) -> None:
        self._client = client
        self._layouts = layouts
        self._reader = reader
        self._pages = pages
        self._prices = prices

    @property
    def _layout(self) -> Layout:
        return self._layouts.layout_of_kind(Kind.DEBTOR)[0]

    # ---- as a source

    def extract(self, since: str | None, after: str | None) -> Batch:
        """Return one page of the debtors that changed since the stamp `since`; of all if price agreements are read."""
        batch = self._pages.page(self._reading(), None if self._prices.on else since, after)
        return self._prices.with_terms(batch)

    def fetch(self, keys: Collection[str]) -> list[Record]:
        """Return the debtors with these numbers, without those that no longer exist."""
        return list(self.fetched(keys).records)

    def fetched(self, keys: Collection[str]) -> Batch:
        """Return the debtors that `fetch` returns, as one page."""
        reading, rows = self._reading(), self._rows(keys)
        records = self._prices.added(list(whole_records(rows, reading.decode)))
        return Batch(tuple(records), None, fields=reading.fields_of(rows))

    def _reading(self) -> Reading:
        layout = self._layout

        numeric = [name for name, column in layout.existing_columns().items() if layout.columns[column].type in NUMBERS]

        def decode(row: Row) -> Record:
            number, column = layout.key(row, "number"), layout.column("number")
            raw_number = row.get(column.name)
            is_unsure = has_hidden_signs(raw_number) or (column.type in TEXTS and not isinstance(raw_number, str))
            return read_of(Kind.DEBTOR, "" if is_unsure else number, row, lambda: read(number, row))

        def read(number: str, row: Row) -> Record:
            require_key(number, layout.column("number").name, row)
            require_values(layout, row, *numeric)
            return Record(
                Kind.DEBTOR,
                number,
                layout.decoded(row, {}) | unmapped_values(row, layout.existing_columns(), layout.columns),
            )

        return Reading(self._layouts.object_of(Kind.DEBTOR), layout.existing_columns(), decode, code="number")

    def _unique_rows(self, rows: Sequence[Row]) -> list[Row]:
        return unique_by_column(rows, self._layout.column("number").name)

    def _rows(self, numbers: Iterable[str]) -> list[Row]:
        """Return the debtors with these numbers once each, with all their columns."""
        layout = self._layout
        column = layout.column("number").name
        values = layout.stored("number", numbers)
        rows = self._reader.rows(self._layouts.object_of(Kind.DEBTOR), column, values, key=column)
        return [row for row in self._unique_rows(rows) if layout.key(row, "number") in values]

    # ---- as a target

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        """Match by link, otherwise by external id, VAT number or e-mail; a link to a missing debtor matches nothing.

        VAT number and e-mail never match a debtor with the external id of another customer. Where they match another
        debtor too, that one is among the others.
        """
        layout = self._layout
        linked = {record.key: references.reference(Kind.DEBTOR, record.key) or "" for record in records}
        current: dict[str, CurrentRecord] = {}
        for evidence in _evidence(linked):
            waiting = [r for r in records if r.key not in current and bool(linked[r.key]) is (evidence.name == "link")]
            candidates: dict[str, dict[str, Row]] = {record.key: {} for record in waiting}
            for name in filter(layout.has_field, evidence.columns):
                rows_by_mark = self._rows_by_mark(layout, name, evidence, waiting)
                for record in waiting:
                    rows = rows_by_mark.get(evidence.mark(evidence.of(record)), [])
                    candidates[record.key] |= {layout.key(row, "number"): row for row in rows}
            for record in waiting:
                rows = list(candidates[record.key].values())
                if evidence.name == "vat_number":
                    rows = [row for row in rows if not has_unique_columns(row) or _has_number_of(layout, row, record)]
                if evidence.name != "link" and (distinct := references.distinct(Kind.DEBTOR, record.key)):
                    rows = [row for row in rows if layout.key(row, "number") not in distinct]
                if free := [row for row in rows if _may_be(layout, row, record, evidence)]:
                    linked_rows = [row for row in rows if row not in free]
                    current[record.key] = _debtor(layout, record, free, linked_rows, evidence.name)
        return current

    def _rows_by_mark(
        self, layout: Layout, name: str, evidence: _Evidence, records: Sequence[Record]
    ) -> dict[str, list[Row]]:
        """Return debtors by their normalized value in one column, where a wanted record has the same value."""
        texts = [value for record in records if evidence.mark(value := evidence.of(record))]
        marks = {evidence.mark(value) for value in texts}
        spellings = {spelling for value in texts for spelling in evidence.spellings(value)}
        fields = layout.wire(*layout.names)
        rows = self._reader.rows(
            self._layouts.object_of(Kind.DEBTOR),
            layout.names[name],
            layout.stored(name, spellings),
            key=layout.names["number"],
            fields=fields,
        )
        rows_by_mark: dict[str, dict[str, Row]] = {}
        for row in self._unique_rows(rows):
            for mark in {evidence.mark(text) for text in layout.texts(row, name)} & marks:
                rows_by_mark.setdefault(mark, {})[layout.key(row, "number")] = row
        return {mark: list(several.values()) for mark, several in rows_by_mark.items()}

    def require_storable(self, desired: Record, *, is_new: bool) -> None:
        """Raise RejectedError for what `create` or `update` would refuse before a call."""
        cells = self._layout.encoded(writable_values(desired), creating=is_new)
        if is_new:
            self._layout.require_required(cells)

    def create(self, desired: Record, references: References) -> str:  # noqa: ARG002
        """Create a debtor and return its number."""
        layout = self._layout
        return create_record(
            self._client, self._layouts.object_of(Kind.DEBTOR), layout, layout.encoded(writable_values(desired))
        )

    def update(self, change: Change, current: CurrentRecord | None) -> WriteResult:
        """Change the given columns. Raises RejectedError if the debtor has other values than the plan showed."""
        if current is None:
            raise RejectedError("target_record_missing", system=SYSTEM)
        layout = self._layout
        rows = self._rows([current.reference])
        if not rows:
            raise RejectedError("target_record_missing", system=SYSTEM)
        before = change.before or Record(change.kind, change.key, {})
        row = rows[0]
        now = read_of(
            change.kind, change.key, row, lambda: Record(change.kind, change.key, layout.decoded(row, before.values))
        )
        if moved := differences(before, now):
            raise RejectedError("target_changed_since_plan", system=SYSTEM, fields=", ".join(moved))
        cells = layout.encoded(writable_values(change.desired), creating=False)
        number = layout.text(row, "number")
        body = Body({layout.column("number").name: Cell("C", number), **cells})
        self._client.update(self._layouts.object_of(Kind.DEBTOR), body, self._client.today())
        return WriteResult(number)


def _evidence(linked: Mapping[str, str]) -> tuple[_Evidence, ...]:
    """Return the ways to match a debtor, the strongest first."""
    return (
        _Evidence("link", ("number",), lambda record: linked[record.key], without_case, _own_spelling),
        _Evidence("external_id", ("external_id",), _external_id, without_case, _own_spelling),
        _Evidence(
            "vat_number",
            ("vat_number",),
            lambda record: field_text_of(record, "vat_number"),
            without_prefix,
            _vat_spellings,
        ),
        _Evidence(
            "email",
            ("email", "second_email"),
            lambda record: field_text_of(record, "email"),
            without_case,
            _mail_spellings,
        ),
    )


_SHARED = frozenset({"vat_number", "email"})  # two debtors may have the same value


def _may_be(layout: Layout, row: Row, record: Record, evidence: _Evidence) -> bool:
    """Return True if a debtor with this evidence may be this record, and not only another customer with the same."""
    return evidence.name not in _SHARED or not has_unique_columns(row) or _has_no_other_id(layout, row, record)


def _has_no_other_id(layout: Layout, row: Row, record: Record) -> bool:
    """Return True if a debtor may be this record: it has no external id, or one of the record's own."""
    theirs = without_case(layout.text(row, "external_id"))
    return theirs in {"", without_case(record.key), without_case(_external_id(record))}


def _has_number_of(layout: Layout, row: Row, record: Record) -> bool:
    """Return True if a debtor has the record's VAT number; the country completes a number without a prefix."""
    theirs, country = (layout.text(row, name) if layout.has_field(name) else "" for name in ("vat_number", "country"))
    return same_vat_number(field_text_of(record, "vat_number"), theirs, field_text_of(record, "country"), country)


def _external_id(record: Record) -> str:
    return field_text_of(record, "external_id") or record.key


def _own_spelling(value: str) -> set[str]:
    return {value.strip()}


def _vat_spellings(value: str) -> set[str]:
    """Return the usual spellings of a VAT number.

    These are: one word, with a blank after the country, without the country (domestic numbers are often entered so),
    and for Belgian numbers in groups with dots.
    """
    bare = bare_vat_number(value)
    country, rest = bare[:2], bare[2:]
    dotted = {f"{country}{rest[:4]}.{rest[4:7]}.{rest[7:]}"} if country == "BE" else set()
    return {bare, f"{country} {rest}", without_prefix(bare), *dotted}


def _mail_spellings(value: str) -> set[str]:
    """Return the spellings to query: addresses are stored as typed, and the comparison may be case-sensitive."""
    return {value.strip(), value.strip().lower()}


def _debtor(
    layout: Layout, desired: Record, free: Sequence[Row], linked_rows: Sequence[Row], evidence: str
) -> CurrentRecord:
    """Return the preferred debtor of those that may be this one. The rest includes debtors of other customers."""
    by_preference = partial(_preference, layout)
    first, *others = [*sorted(free, key=by_preference), *sorted(linked_rows, key=by_preference)]
    number = layout.key(first, "number")

    def read() -> Record:
        require_key(number, layout.column("number").name, first)
        require_unique_columns(first)
        return Record(Kind.DEBTOR, desired.key, layout.decoded(first, desired.values))

    current = CurrentRecord(
        read_of(Kind.DEBTOR, desired.key, first, read),
        number,
        evidence=evidence,
        other_references=tuple(layout.key(row, "number") for row in others),
    )
    if not has_unique_columns(first):
        return current
    return replace(current, marker=change_stamp(layout, first), identities={"": _identity(layout, first)})


def _identity(layout: Layout, row: Row) -> Identity:
    """Return the identifying values of a debtor, regardless of the mapped fields."""
    names = [name for name in ("name", "email", "vat_number", "postcode") if layout.has_field(name)]
    return identity_of(Kind.DEBTOR, {name: layout.text(row, name) for name in names})


def _preference(layout: Layout, row: Row) -> tuple[bool, bool, bool, int, str]:
    """Return a sort key: unidentified or contradictory first (a question), then unblocked, then the lowest number."""
    number = layout.key(row, "number")
    if not has_unique_columns(row):
        return False, False, *rank(number)
    blocked = any(decode_flag(row.get(column)) is not False for column in layout.wire("blocked", "blocked_for_orders"))
    return bool(number), blocked, *rank(number)


# ---- delivery addresses: matched by their content, created, never changed


# The fields that make a delivery address the same address, compared without blanks and capitals.
CONTENT = ("name", "street", "postcode", "city")


class Addresses:
    """The delivery addresses of one installation."""

    def __init__(self, client: AccountViewClient, layouts: Layouts, reader: RowReader) -> None:
        self._client = client
        self._layouts = layouts
        self._reader = reader

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        """Return the addresses of the same debtor with the same content."""
        layout = self._layouts.layout_of_kind(Kind.ADDRESS)[0]
        owners = {record.key: owner(record, references) for record in records}
        rows = self._reader.rows(
            self._layouts.object_of(Kind.ADDRESS),
            layout.column("debtor").name,
            layout.stored("debtor", owners.values()),
            key=layout.column("number").name,
            fields=layout.wire(*layout.names),
        )
        rows_by_mark: dict[tuple[str, ...], dict[str, Row]] = {}
        unique = unique_by_column(rows, layout.column("number").name)
        unreadable_rows = [row for row in unique if not _has_readable_content(layout, row)]
        for row in filter(partial(_has_readable_content, layout), unique):
            mark = (
                layout.text(row, "debtor").casefold(),
                *(normalized_text(layout.text(row, name)) for name in CONTENT),
            )
            rows_by_mark.setdefault(mark, {})[layout.key(row, "number")] = row
        current = {}
        for record in records:
            mark = (
                owners[record.key].casefold(),
                *(normalized_text(str(record.values.get(name) or "")) for name in CONTENT),
            )
            if owners[record.key] and mark in rows_by_mark:
                current[record.key] = _address(layout, record, rows_by_mark[mark], references)
                continue
            debtors = ((row, {text.casefold() for text in layout.texts(row, "debtor")}) for row in unreadable_rows)
            maybe = next((row for row, numbers in debtors if owners[record.key].casefold() in numbers), None)
            if owners[record.key] and maybe is not None:
                current[record.key] = _unreadable_address(layout, record, maybe)
        return current

    def require_storable(self, desired: Record, *, is_new: bool) -> None:  # noqa: ARG002
        """Raise RejectedError for what `create` would refuse before a call if the debtor existed."""
        layout = self._layouts.layout_of_kind(Kind.ADDRESS)[0]
        layout.require_required(_address_cells(layout, desired, PLANNED))

    def create(self, desired: Record, references: References) -> str:
        """Create an address of an existing debtor and return its number."""
        layout, of = self._layouts.layout_of_kind(Kind.ADDRESS)[0], self._layouts.object_of(Kind.ADDRESS)
        return create_record(self._client, of, layout, _address_cells(layout, desired, references))


def _address_cells(layout: Layout, desired: Record, references: References) -> dict[str, Cell]:
    return pointer(layout, "debtor", debtor_number(desired, references)) | layout.encoded(writable_values(desired))


def _has_readable_content(layout: Layout, row: Row) -> bool:
    try:
        _require_readable_content(layout, row)
    except WrongValueError:
        return False
    return True


def _require_readable_content(layout: Layout, row: Row) -> None:
    """Raise WrongValueError if a row has a column twice, or a value by which addresses are compared is unreadable."""
    require_unique_columns(row)
    for name in ("debtor", *CONTENT):
        layout.value(row, name)


def _unreadable_address(layout: Layout, desired: Record, row: Row) -> CurrentRecord:
    """Return an address that cannot be read: it may be any address of its debtor."""

    def read() -> Record:
        _require_readable_content(layout, row)
        return desired

    return CurrentRecord(read_of(Kind.ADDRESS, desired.key, row, read), layout.key(row, "number"), evidence="content")


def _address(layout: Layout, desired: Record, rows: Mapping[str, Row], references: References) -> CurrentRecord:
    number, *others = sorted(rows, key=lambda key: (bool(key), *rank(key)))
    row = rows[number]
    same = {
        name: desired.values[name]
        for name in CONTENT
        if name in desired.values
        and normalized_text(field_text_of(desired, name)) == normalized_text(layout.text(row, name))
    }
    copied_values = same | owner_shown(layout, row, desired, references)

    def read() -> Record:
        require_key(number, layout.column("number").name, row)
        return Record(Kind.ADDRESS, desired.key, layout.decoded(row, desired.values) | copied_values)

    record = read_of(Kind.ADDRESS, desired.key, row, read)
    return CurrentRecord(record, number, change_stamp(layout, row), evidence="content", other_references=tuple(others))
