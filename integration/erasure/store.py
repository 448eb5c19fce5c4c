"""Finds and erases the personal data of one person in all tables."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from integration.core.customer_merges import merged_key
from integration.core.erasure import ERASED, Customer, DataSubject, identifying_words
from integration.core.issues import IssueState
from integration.core.records import Kind, RecordType, kinds
from integration.core.states import ACTIVE, RunState, Step
from integration.store import tables
from integration.store.columns import Json, TextColumn
from integration.store.database import Store
from integration.store.issues import GONE
from integration.store.tables import (
    corrections,
    customer_merges,
    dismissals,
    issues,
    lines,
    links,
    outbox,
    reverted_values,
    runs,
    staged_records,
)

# Rows of a person are deleted from these tables. The tables of ARRANGED are never changed, because people edit them.
DELETED_TABLES = (staged_records, reverted_values, corrections, dismissals, tables.drift_samples)
SEARCHED_TABLES = (
    *DELETED_TABLES, lines, links, issues, outbox, runs, tables.causes, tables.drift_checks, tables.day_checks,
    tables.stock_movements, tables.reservations, tables.incidents, tables.deliveries, tables.excluded_lines,
    tables.facets, tables.plan_notes, tables.saved_filters,
)  # fmt: skip
CONFIGURATION_TABLES = (tables.settings, tables.mappings, tables.value_tables)
# Columns with structural values, which never contain names of persons.
STRUCTURE = frozenset(
    {"flow", "kind", "key", "run", "reference", "owner", "digest", "state", "step", "action", "mode", "by", "event",
     "cause", "code", "field", "fields", "phase", "fingerprint", "type", "of", "channel", "message_type", "held"}
)  # fmt: skip
_OF_NUMBERS = ~links.c.key.startswith(merged_key(""))  # links whose keys are numbers of customers
OPEN_STEPS = (Step.PLANNED, Step.SENT, Step.IN_DOUBT)


@dataclass(frozen=True, slots=True)
class PersonalDataRow:
    """A row with personal data: its table and its values. `own` says that the whole row is about the person."""

    table: str
    values: Mapping[str, Any]
    own: bool


class PersonalDataSearch(Store):
    """Finds and erases the stored data of a person."""

    def customer(self, customer: Customer) -> Customer:
        """Return a customer with both numbers, as far as links connect them, and those of merged customers."""
        pairs = (
            (customer.customers, links.c.key, links.c.reference),
            (customer.orders, links.c.reference, links.c.key),
        )
        for flow, debtor, relation in pairs:
            conditions = (
                links.c.flow == flow,
                links.c.kind.in_(kinds(RecordType.PARTY)),
                links.c.kind != "address",
                _OF_NUMBERS,
            )
            condition = (debtor == customer.debtor) if customer.debtor else (relation == customer.relation)
            row = self.database.first(
                sa.select(debtor.label("debtor"), relation.label("relation")).where(*conditions, condition)
            )
            if row is not None:
                customer = replace(
                    customer, debtor=customer.debtor or row.debtor, relation=customer.relation or row.relation
                )
        return self._with_merged(customer)

    def _with_merged(self, customer: Customer) -> Customer:
        """Return a customer with the numbers of all customers that were merged with them, in either direction."""
        merges = self.database.rows(sa.select(customer_merges).where(customer_merges.c.flow == customer.customers))
        numbers_of_person, before = set(customer.numbers), 0
        while before != len(numbers_of_person):
            before = len(numbers_of_person)
            for numbers in map(_numbers_of, merges):
                numbers_of_person |= numbers if numbers_of_person & numbers else set()
        return replace(
            customer,
            merged=tuple(sorted(numbers_of_person - set(Customer(customer.debtor, customer.relation).numbers))),
        )

    def every_number(self, customer: Customer) -> set[tuple[str, str]]:
        """Return the numbers of all customers in the database; `customer` names the flows to search."""
        query = sa.select(links.c.flow, links.c.key, links.c.reference).where(
            _may_be_customer(links.c.kind), links.c.flow.in_((customer.customers, customer.orders)), _OF_NUMBERS
        )
        numbers: set[tuple[str, str]] = set()
        for row in self.database.rows(query):
            debtor, relation = (row.key, row.reference) if row.flow == customer.customers else (row.reference, row.key)
            numbers |= {("debtor", debtor), ("relation", relation)}
        planned = sa.select(runs.c.flow, lines.c.key).join(runs, runs.c.id == lines.c.run)
        planned = planned.where(_may_be_customer(lines.c.kind)).distinct()
        for row in self.database.rows(sa.select(customer_merges).where(customer_merges.c.flow == customer.customers)):
            numbers |= _numbers_of(row)
        parked = sa.select(issues.c.flow, issues.c.key).where(issues.c.flow.in_((customer.customers, customer.orders)))
        for row in (*self.database.rows(planned), *self.database.rows(parked)):
            numbers.add(("debtor" if row.flow == customer.customers else "relation", row.key))
        return {(number_type, number) for number_type, number in numbers if number}

    def person(self, customer: Customer) -> DataSubject:
        """Return the identifying words of a customer, and the documents booked for them, as far as they are stored."""
        identifying: set[str] = set()
        places: set[str] = set()
        documents: set[str] = set()
        for row in self._rows_about(customer):
            is_own = customer.is_described_by(row.flow or "", row.kind, row.key)
            if not is_own and not any(map(customer.is_named_by, _values_in(row.content))):
                continue
            if not is_own:
                documents.add(row.key)
            row_words = identifying_words(row.content)
            identifying |= row_words[0]
            places |= row_words[1] if is_own else set()
        for row in self.database.rows(sa.select(corrections)):
            if customer.is_described_by(row.flow, row.kind, row.key):
                for value in (row.was, row.becomes):
                    words = identifying_words({row.field: value})
                    identifying |= words[0]
                    places |= words[1]
        return DataSubject(customer, frozenset(documents), frozenset(identifying), frozenset(places))

    def _rows_about(self, customer: Customer) -> Iterator[sa.Row[Any]]:
        """Yield flow, kind, key and a JSON value of each row that may be about a customer."""
        numbers = [f'"{name}":"{number}"' for name, number in _pointers(customer)]

        def select_rows(flow: Any, kind: Any, key: Any, content: Any) -> sa.Select[Any]:
            text = sa.type_coerce(content, sa.Text)
            own = sa.or_(
                *(key == number for _, number in customer.numbers),
                *(key == merged_key(number) for number in customer.relations),
                *(key.startswith(f"{number}/", autoescape=True) for number in customer.relations),
                *(key.startswith(f"={number}/", autoescape=True) for number in customer.debtors),
            )
            mentions = sa.or_(*(text.contains(number, autoescape=True) for number in numbers))
            columns = (flow.label("flow"), kind.label("kind"), key.label("key"), content.label("content"))
            return sa.select(*columns).where(content.is_not(None), sa.or_(own, mentions))

        of_run = sa.select(runs.c.flow).where(runs.c.id == lines.c.run).scalar_subquery()
        staging = sa.select(runs.c.flow).where(runs.c.id == staged_records.c.run).scalar_subquery()
        nothing: sa.ColumnElement[str] = sa.literal("")
        for question in (
            select_rows(links.c.flow, links.c.kind, links.c.key, links.c.agreed),
            select_rows(links.c.flow, links.c.kind, links.c.key, links.c.evidence),
            select_rows(of_run, lines.c.kind, lines.c.key, lines.c.change),
            select_rows(of_run, lines.c.kind, lines.c.key, lines.c.facts),
            select_rows(staging, nothing, staged_records.c.key, staged_records.c.record),
            select_rows(issues.c.flow, nothing, issues.c.key, issues.c.facts),
            select_rows(outbox.c.flow, outbox.c.kind, outbox.c.key, outbox.c.before),
            select_rows(outbox.c.flow, outbox.c.kind, outbox.c.key, outbox.c.after),
            select_rows(outbox.c.flow, outbox.c.kind, outbox.c.key, outbox.c.facts),
        ):
            yield from self.database.rows(question)

    def documents(self, person: DataSubject) -> list[tuple[str, str, str]]:
        """Return kind, key and reference of every document that was booked for a person."""
        columns = (links.c.kind, links.c.key, links.c.reference)
        query = sa.select(*columns).where(links.c.reference != "", links.c.owner == "").order_by(*columns)
        rows = self.database.rows_with_values(query, links.c.key, sorted(person.documents))
        return [(row.kind, row.key, row.reference) for row in rows]

    # ---- runs that delay an erasure ----------------------------------------------------------------------------------

    def active(self) -> list[str]:
        """Return the ids of active runs."""
        at_work = sa.select(runs.c.id).where(runs.c.state.in_(tuple(ACTIVE))).order_by(runs.c.started_at, runs.c.id)
        return [row.id for row in self.database.rows(at_work)]

    def unsettled(self, person: DataSubject) -> tuple[list[str], list[str]]:
        """Return waiting plans with data of a person, and other runs with unsettled changes of theirs."""
        waiting: dict[str, None] = {}
        at_work: dict[str, None] = {}
        query = sa.select(runs.c.id, runs.c.state, lines.c.step, runs.c.flow, lines.c.kind, lines.c.key)
        query = query.join(runs, runs.c.id == lines.c.run).where(lines.c.step.in_(OPEN_STEPS))
        ignored_states = (RunState.DISCARDED,)
        for row in self.database.rows(query.where(runs.c.state.not_in(ignored_states)).distinct()):
            if person.customer.is_described_by(row.flow, row.kind, row.key) or person.is_own_document(row.key):
                (waiting if row.state == RunState.READY else at_work)[row.id] = None
        return list(waiting), list(at_work)

    # ---- finding and erasing -----------------------------------------------------------------------------------------

    def find_rows(self, person: DataSubject) -> Iterator[PersonalDataRow]:
        """Yield every row with personal data of a person."""
        for table in SEARCHED_TABLES:
            for row, own in self._rows(table, person):
                values = {name: value for name, value in row.items() if value is not None}
                yield PersonalDataRow(table.name, values, own)

    def erase(self, person: DataSubject) -> Counter[str]:
        """Erase a person from every table in one transaction, and return the number of changed rows by table."""
        counts: Counter[str] = Counter()
        rows = {table: [(row, own) for row, own in self._rows(table, person)] for table in SEARCHED_TABLES}
        with self.database.write() as connection:
            for table, own_rows in rows.items():
                for row, own in own_rows:
                    conditions = [column == row[column.name] for column in table.primary_key]
                    if (own and table in DELETED_TABLES) or table is tables.saved_filters:
                        counts[table.name] += connection.execute(table.delete().where(*conditions)).rowcount
                        continue
                    now = connection.execute(sa.select(table).where(*conditions).with_for_update()).mappings().first()
                    changed = {} if now is None else self._changed_columns(table, {**row, **now}, person, own=own)
                    if changed:
                        counts[table.name] += connection.execute(
                            table.update().where(*conditions).values(changed)
                        ).rowcount
        return counts

    def count_remaining_rows(self, person: DataSubject) -> Counter[str]:
        """Return the number of rows by table that still contain words of a person, including configuration tables."""
        counts: Counter[str] = Counter()
        for table in (*SEARCHED_TABLES, *CONFIGURATION_TABLES):
            columns = [column for column in table.columns if isinstance(column.type, TextColumn | Json)]
            counts[table.name] += sum(1 for _, own in self._rows(table, person, columns) if not own)
        return +counts

    def _rows(
        self, table: sa.Table, person: DataSubject, columns: list[sa.Column[Any]] | None = None
    ) -> Iterator[tuple[dict[str, Any], bool]]:
        """Yield every row of a table that contains data of a person, and whether the whole row is theirs.

        Every row about a document booked for them counts, unless `columns` restricts the search to words in these
        columns.
        """
        looked_in = _text_columns(table) if columns is None else columns
        for keys, text in self._scan_table(table, looked_in):
            flow, kind, key = keys["flow"] or "", keys["kind"] or "", keys["key"] or ""
            own, near = person.customer.is_described_by(flow, kind, key), person.is_own_document(key)
            if person.is_of_another(flow, kind, key) or not (own or near or person.may_be_in(text)):
                continue
            row = self.database.first(
                sa.select(table).where(*(column == keys[column.name] for column in table.primary_key))
            )
            if row is None:
                continue
            values = {**row._mapping, "flow": flow}  # noqa: SLF001 - SQLAlchemy's own name for it
            contents = [values[column.name] for column in looked_in]
            if columns is not None:  # with names of values, because a person typed the codes of a value table
                is_named = person.is_named_in(json.dumps(contents, ensure_ascii=False, default=str))
            else:
                is_named = own or near or person.is_named_in(contents)
            if is_named:
                yield values, own

    def _scan_table(self, table: sa.Table, columns: list[sa.Column[Any]]) -> Iterator[tuple[dict[str, Any], str]]:
        """Yield the keys of each row, with flow, kind and key of its record if it has them, and all its text."""
        flow: Any = sa.literal("")
        if "flow" in table.c:
            flow = table.c.flow
        elif "run" in table.c:
            flow = sa.select(runs.c.flow).where(runs.c.id == table.c.run).scalar_subquery()
        record_columns = {
            "flow": flow,
            "kind": table.c.kind if "kind" in table.c else sa.literal(""),
            "key": table.c.key if "key" in table.c else sa.literal(""),
        }
        keys = {column.name: column for column in table.primary_key} | record_columns
        texts = [sa.type_coerce(column, sa.Text).label(f"text_{n}") for n, column in enumerate(columns)]
        query = sa.select(*(value.label(name) for name, value in keys.items()), *texts)
        with self.database.read() as connection:
            for row in connection.execute(query.execution_options(yield_per=1_000)):
                yield dict(zip(keys, row, strict=False)), "\n".join(filter(None, row[len(keys) :]))

    @staticmethod
    def _changed_columns(table: sa.Table, row: Mapping[str, Any], person: DataSubject, *, own: bool) -> dict[str, Any]:
        if own and table.name in _OWN:
            stripped = _OWN[table.name](row, person)
            return {name: value for name, value in stripped.items() if value != row[name]}
        near = person.is_own_document(row.get("key") or "")
        new_values = {
            column.name: person.redacted(row[column.name], near=near)
            for column in _text_columns(table)
            if not column.primary_key
        }
        if table is links and row["agreed"] is not None:
            new_values["agreed"] = person.agreed(row["agreed"])
        return {name: value for name, value in new_values.items() if value != row[name]}


def _may_be_customer(kind: sa.Column[str]) -> sa.ColumnElement[bool]:
    """Return the condition for kinds of customers. Unknown kinds are included, because they may be customers."""
    return sa.or_(kind.in_((Kind.RELATION, Kind.DEBTOR)), kind.not_in(kinds()))


def _text_columns(table: sa.Table) -> list[sa.Column[Any]]:
    """Return the columns of a table that may contain names of persons."""
    return [
        column for column in table.columns
        if isinstance(column.type, TextColumn | Json) and column.name not in STRUCTURE
    ]  # fmt: skip


def _own_line(row: Mapping[str, Any], person: DataSubject) -> dict[str, Any]:
    return {
        "change": None, "title": ERASED, "found_by": f"{row['key']}\n{ERASED}".casefold(),
        "facts": person.facts(row["facts"]),
    }  # fmt: skip


def _own_link(_row: Mapping[str, Any], _person: DataSubject) -> dict[str, Any]:
    return {"agreed": None, "mark": "", "evidence": None}


def _own_issue(row: Mapping[str, Any], person: DataSubject) -> dict[str, Any]:
    """Return the new values of an issue of the person's own record, which no run reads again: the issue is closed."""
    reason = ERASED if row["reason"] and " " in row["reason"] else row["reason"]  # text typed by a person
    return {
        "title": ERASED, "facts": person.facts(row["facts"]), "detail": "", "state": IssueState.CLOSED,
        "reason": reason if row["state"] == IssueState.CLOSED else GONE,
    }  # fmt: skip


def _own_event(row: Mapping[str, Any], person: DataSubject) -> dict[str, Any]:
    return {
        "title": ERASED, "facts": person.facts(row["facts"]),
        "before": person.redacted_values(row["before"]), "after": person.redacted_values(row["after"]),
    }  # fmt: skip


_OWN = {"plan_lines": _own_line, "links": _own_link, "issues": _own_issue, "outbox": _own_event}


def _pointers(customer: Customer) -> list[tuple[str, str]]:
    return [
        *(("debtor", number) for number in customer.relations),
        *(("debtor_number", number) for number in customer.debtors),
    ]


def _numbers_of(merge: sa.Row[Any]) -> set[tuple[str, str]]:
    """Return the numbers of both customers of a merge, each with its type."""
    debtors, relations = (merge.debtor, merge.into_debtor), (merge.relation, merge.into_relation)
    return {
        (number_type, number)
        for number_type, numbers in (("debtor", debtors), ("relation", relations))
        for number in numbers
        if number
    }


def _values_in(content: object) -> Iterator[object]:
    """Yield the values of each record within a JSON value: a record, a change, or values by path."""
    if isinstance(content, Mapping):
        yield content
        for name in ("values", "desired", "agreed", "before"):
            if isinstance(content.get(name), Mapping):
                yield from _values_in(content[name])
