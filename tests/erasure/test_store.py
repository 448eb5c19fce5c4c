"""Erasure of one person in every table, on both databases; data of others stays."""

import sqlalchemy as sa

from integration.core.erasure import ERASED, Customer
from integration.core.issues import Issue, IssueOccurrence
from integration.core.link_evidence import Evidence
from integration.core.links import Link
from integration.core.records import Correction, Kind, Record
from integration.erasure.store import PersonalDataSearch
from integration.store import issues, links, tables
from integration.store.corrections import Corrections
from integration.store.database import Database
from integration.store.events import Event
from integration.store.outbox import append_events
from tests.clocks import Clock

ANNA = {"name": "Anna Özdemir", "email": "anna@post.example", "city": "Zeist", "account": "1300"}
BRAM = {"name": "Bram", "email": "johanna@post.example", "phone": "Anna Özdemir"}
KNOWN = Evidence({"": {"name": "Anna Özdemir", "email": "anna@vroeger.example"}}, {"": {"name": "Anna Özdemir"}})
ONE = Customer("39001", "62")


def fill(database: Database, clock: Clock) -> None:
    booked = {"debtor": "62", "email": "anna@post.example", "customer": "Anna Özdemir", "number": "2026.1"}
    with database.write() as connection:
        links.keep_links(connection, clock(), "customers", [
            Link(Kind.RELATION, "39001", "62", Record(Kind.RELATION, "39001", ANNA), evidence=KNOWN),
            Link(Kind.RELATION, "39002", "63", Record(Kind.RELATION, "39002", BRAM)),
        ])  # fmt: skip
        links.keep_links(connection, clock(), "orders", [
            Link(Kind.ADDRESS, "62/abc", "7", Record(Kind.ADDRESS, "62/abc", {"street": "Kerklaan 7"})),
            Link(Kind.SALES_ORDER, "doc-1", "26000032", Record(Kind.SALES_ORDER, "doc-1", booked)),
        ])  # fmt: skip
        met = [
            IssueOccurrence(
                Issue("vat_number_invalid", "39001", facts={"value": "NL1", "customer": "Anna"}), "relation", "Anna"
            ),
            IssueOccurrence(
                Issue("vat_number_invalid", "39002", facts={"value": "NL2", "customer": "Bram"}), "relation", "Bram"
            ),
        ]
        issues.open_or_refresh(connection, clock(), "customers", "run", met)
        event = Event(event="parked", flow="orders", key="doc-2", title="for Anna Özdemir", facts={"why": "Kerklaan 7"})
        append_events(connection, clock(), [event])
    Corrections(database, clock).keep("customers", [Correction(Kind.DEBTOR, "39001", "city", "Zeist", "Ede")], "bram")


def database_text(database: Database) -> str:
    return "\n".join(
        str(tuple(row)) for table in tables.metadata.sorted_tables for row in database.rows(sa.select(table))
    )


def test_a_person_is_found_by_either_number_with_all_that_is_theirs(database: Database, clock: Clock) -> None:
    fill(database, clock)
    search = PersonalDataSearch(database, clock)
    assert search.customer(Customer("39001")) == search.customer(Customer(relation="62")) == ONE
    assert search.customer(Customer("5")) == Customer("5")
    assert {("debtor", "39001"), ("relation", "62"), ("debtor", "39002")} <= search.every_number(ONE)
    person = search.person(ONE)
    assert person.documents == {"doc-1"}
    assert person.identifying_words == {
        "Anna Özdemir",
        "anna@post.example",
        "anna@vroeger.example",
        "Kerklaan 7",
        "Anna",
    }
    assert person.places == {"Zeist", "Ede"}
    assert {row.table for row in search.find_rows(person)} == {"links", "issues", "outbox", "corrections"}
    assert search.documents(person) == [("sales_order", "doc-1", "26000032")]


def test_a_person_is_redacted_and_others_keep_what_is_theirs(database: Database, clock: Clock) -> None:
    fill(database, clock)
    search = PersonalDataSearch(database, clock)
    person = search.person(ONE)

    assert search.erase(person)["links"] == 3

    link_store = links.Links(database, clock)
    assert link_store.get("customers", Kind.RELATION, ["39001"])["39001"].agreed is None
    other = link_store.get("customers", Kind.RELATION, ["39002"])["39002"].agreed
    assert other is not None
    assert other.values == BRAM
    booked = link_store.get("orders", Kind.SALES_ORDER, ["doc-1"])["doc-1"].agreed
    assert booked is not None
    assert booked.values == {"debtor": "62", "number": "2026.1"}
    content = database_text(database)
    assert [word for word in ("anna@", "Zeist", "Kerklaan", "NL1") if word in content.replace("johanna@", "")] == []
    assert f"for {ERASED}" in content
    assert "NL2" in content
    open_issues = issues.Issues(database, clock).list("customers", "vat_number_invalid")
    assert [open_issue.issue.key for open_issue in open_issues] == ["39002"]
    assert +search.count_remaining_rows(person) == {}
    assert not search.erase(person)


def test_a_person_in_records_of_kinds_that_are_only_stored_is_found_and_redacted(
    database: Database, clock: Clock
) -> None:
    fill(database, clock)
    unknown = Kind.stored("unheard_of")
    link_values = [
        ("customers", "39001", {"phone": "0612345678"}),
        ("customers", "39009", {"contact": "Anna Özdemir"}),
        ("gone", "39001", {"text": "call 0612345678", "name": "LoginGate"}),
        ("gone", "5", {"debtor_number": "39001", "email": "a.o@post.example"}),
        ("gone", "6", {"text": "Bram"}),
    ]
    with database.write() as connection:
        for flow, key, values in link_values:
            links.keep_links(connection, clock(), flow, [Link(unknown, key, "9", Record(unknown, key, values))])
    search = PersonalDataSearch(database, clock)
    assert ("debtor", "39009") in search.every_number(Customer())
    person = search.person(ONE)
    assert {"0612345678", "a.o@post.example"} < person.identifying_words
    assert "LoginGate" not in person.identifying_words
    search.erase(person)
    link_store = links.Links(database, clock)
    agreed_records = [link_store.get(flow, unknown, [key])[key].agreed for flow, key, _ in link_values]
    assert [record.values if record else None for record in agreed_records] == [
        None, {}, {"name": "LoginGate"}, {"debtor_number": "39001"}, {"text": "Bram"},
    ]  # fmt: skip
    assert +search.count_remaining_rows(person) == {}


def test_what_people_arranged_is_reported_and_left(database: Database, clock: Clock) -> None:
    fill(database, clock)
    search = PersonalDataSearch(database, clock)
    person = search.person(ONE)
    with database.write() as connection:
        row = {"name": "list", "rows": {"anna@post.example": "1"}, "by": "bram", "changed_at": clock()}
        connection.execute(tables.value_tables.insert().values(row))
    search.erase(person)
    assert dict(search.count_remaining_rows(person)) == {"value_tables": 1}
