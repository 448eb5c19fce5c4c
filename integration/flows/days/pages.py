"""Builds the record of a day page: its reference, date, period, and mapped lines."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from integration.core.compiled import CompiledMapping
from integration.core.days.books import GOODS, DayLine, DayPage
from integration.core.days.till import total
from integration.core.issues import Issue
from integration.core.records import Kind, Record, Value, clean
from integration.core.rules import EMPTY, as_text
from integration.flows.day_pages import page_key, reference
from integration.flows.days.settings import DaySettings
from integration.flows.periods import period_of
from integration.flows.settings import RecordRejected

CURRENCY = "EUR"  # of the till, whose payments name no currency
SIGNED = frozenset({"amount", "vat", "vat_base", "sold_incl"})  # amounts that a reversal has with opposite signs


class DayPages:
    """Builds page records, for one version of the settings and the mapping.

    `periods` maps the first days of the periods in the books to their numbers. `line_fields` are the fields a posting
    line can have. `prefix` is that of the references.
    """

    def __init__(
        self,
        settings: DaySettings,
        header: CompiledMapping,
        lines: CompiledMapping,
        periods: Mapping[str, str],
        line_fields: Collection[str],
        prefix: str,
    ) -> None:
        self.settings = settings
        self.header = header
        self.lines = lines
        self._periods = periods
        self._has_base = "vat_base" in line_fields
        self._prefix = prefix

    def line_source(self, place: int, line: DayLine) -> Record:
        """Return the source record for the rules of a line, with the signs of the books."""
        return line_source(str(place), self.with_signs_of_books(line), has_base=self._has_base)

    def record(self, record: Record, page: DayPage, lines: Sequence[DayLine], serial: int) -> Record:
        day = record.values["date"]
        branch = as_text(record.values.get("branch"))
        if not isinstance(day, date):
            raise RecordRejected("required_field_empty", "date", field="date")
        ours = self.reference(day, branch, serial)
        if ours is None:
            raise RecordRejected("day_reference_full", "branch", branch=branch, document=day_title(record))
        on = self.booking_date(day, record)
        source = self.header_source(record, on, ours, serial)
        mapped = self.header.apply(source)
        _require_mapped(mapped.issues, record)
        values: dict[str, Value] = {"date": on}
        fields = ((target.partition(".")[2], clean(value)) for target, value in mapped.values.items())
        values |= {name: value for name, value in fields if value not in EMPTY}
        values |= {"reference": ours, "digest": record.values.get("digest"), "branch": branch, "day": day}
        values.setdefault("till_reference", record.values.get("reference"))
        values |= {"number": day_title(record), "sold_incl": self._revenue(lines), "documents": page.documents}
        parts = tuple(self._line(place, line, record) for place, line in enumerate(lines, start=1))
        return Record(Kind.DAY_PAGE, page_key(record.key, serial), values, parts, source=record.key)

    def _revenue(self, lines: Sequence[DayLine]) -> Decimal:
        """Return the revenue of a page including VAT: negative on a page that reverses more than it books."""
        sold = [line for line in lines if line.about in ("turnover", "vat")]
        revenue = total(line.amount if self.settings.mode == "gross" else line.gross_amount for line in sold)
        return revenue if self.settings.mode == "cash" else -revenue

    def reference(self, day: date, branch: str, serial: int = 0) -> str | None:
        """Return the reference of a page of this console; None if the year, branch or serial does not fit."""
        return reference(self._prefix, day, branch, serial)

    def booking_date(self, day: date, record: Record) -> date:
        """Return the date of a page: the day itself, or the first open day. Raises RecordRejected."""
        if (on := self.settings.open_day(day)) is None:
            closed = as_text(self.settings.closed_through)
            raise RecordRejected("day_period_closed", "date", document=day_title(record), closed=closed)
        return on

    def undone_on(self, page: Record) -> dict[str, Value]:
        """Return the date and period of the reversal of a page, if they differ from its own."""
        return self.settings.reversal_date_of(page, self._periods)

    def header_source(self, record: Record, on: date, ours: str, serial: int) -> Record:
        name = as_text(record.values.get("branch_name")) or as_text(record.values.get("branch"))
        day = as_text(record.values.get("date"))
        computed: dict[str, Value] = {
            "our_reference": ours,
            "description": f"{'Correctie kassa' if serial else 'Kassa'} {day} {name}".strip(),
            "daybook": self.settings.daybook,
            "booking_date": on,
            "gross": self.settings.mode == "gross",
            "currency": CURRENCY,
        }
        if "period" in self.header.reads:
            computed["period"] = period_of(on, self._periods)
        if self.settings.concept:
            computed["concept"] = True
        return Record(Kind.DAY, record.key, {**record.values, **computed})

    def _line(self, place: int, line: DayLine, record: Record) -> Record:
        source, line = self.line_source(place, line), self.with_signs_of_books(line)
        mapped = self.lines.apply(source)
        _require_mapped(mapped.issues, record)
        fields = {target.partition(".")[2]: clean(value) for target, value in mapped.values.items()}
        values = {name: value for name, value in fields.items() if value not in EMPTY}
        for name, expected in (("amount", line.amount), ("vat", line.vat)):
            actual = values.get(name) or Decimal(0)
            if actual != expected:
                facts = {"document": day_title(record), "expected": str(expected), "found": str(actual)}
                raise RecordRejected("day_mapping_differs", f"line.{name}", **facts)
        stored_fields: dict[str, Value] = {
            "documents": line.documents,
            **({"method": line.method} if line.method else {}),
        }
        if line.about in GOODS:
            stored_fields["about"] = line.about
        return Record(Kind.LINE, str(place), {**values, **stored_fields})

    def with_signs_of_books(self, line: DayLine) -> DayLine:
        """Return a line with the signs of the books."""
        if self.settings.sign == "debit_positive":
            return line
        base = None if line.vat_base is None else -line.vat_base
        return replace(line, amount=-line.amount, vat=-line.vat, vat_base=base)

    as_read = with_signs_of_books  # the change of sign is its own inverse


def day_title(record: Record) -> str:
    """Return the title of a day: its date and branch."""
    name = as_text(record.values.get("branch_name")) or as_text(record.values.get("branch"))
    return f"{as_text(record.values.get('date'))} {name}".strip() or record.key


def line_source(key: str, line: DayLine, *, has_base: bool) -> Record:
    values: dict[str, Value] = {
        "page_account": line.account, "page_text": line.text, "page_amount": line.amount,
        "page_vat_code": line.vat_code,
        "page_vat": line.vat if line.vat_code else None, "page_debtor": line.debtor, "page_item": line.item,
        "page_cost_centre": line.cost_centre,
    }  # fmt: skip
    if has_base and line.vat_base is not None:
        values["page_vat_base"] = line.vat_base
    return Record(Kind.LINE, key, values)


def _require_mapped(issues: Sequence[Issue], record: Record) -> None:
    for issue in issues:
        raise RecordRejected(issue.cause, issue.field, **{**issue.facts, "document": day_title(record)})


def opposite_page(record: Record, key: str, values: Mapping[str, Value]) -> Record:
    """Return a page with opposite signs, under another key and with other values."""
    parts = tuple(replace(part, values=_opposite_values(part.values)) for part in record.parts)
    return Record(record.kind, key, {**_opposite_values(record.values), **values}, parts, record.source)


def _opposite_values(values: Mapping[str, Value]) -> dict[str, Value]:
    signed = {name: value for name, value in values.items() if name in SIGNED and isinstance(value, Decimal)}
    return {**values, **{name: -value for name, value in signed.items()}}
