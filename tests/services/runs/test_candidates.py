"""Candidates in the target for a customer, and when each was last used."""

import json
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from integration.application.stores import stores_of
from integration.core.errors import UnavailableError
from integration.core.issues import Issue, IssueState, OpenIssue
from integration.core.link_evidence import NO_EVIDENCE, Evidence
from integration.core.links import Link
from integration.core.records import Kind
from integration.services.runs.candidates import Candidate, candidates
from integration.store.database import Database
from integration.store.links import Links
from tests.builders import a_relation
from tests.consoles import open_application
from tests.fakes import MemoryConnector
from tests.people import make_actor
from tests.stores import new_database, stores_in

MET = datetime(2026, 11, 20, 12, tzinfo=UTC)


class DatingConnector(MemoryConnector):
    """A system in memory that knows when its customers were last sold to, unless it does not answer."""

    requested_since: date | None = None
    is_away = False

    def last_activity_dates(self, customers: Collection[str], since: date) -> dict[str, date | None]:
        self.requested_since = since
        if self.is_away:
            raise UnavailableError("service_unavailable")
        return {
            reference: day for reference, day in {"R2": date(2026, 11, 3), "R3": None}.items() if reference in customers
        }


@pytest.fixture
def links(tmp_path: Path) -> Iterator[Links]:
    database: Database = new_database(tmp_path / "console.sqlite")
    yield stores_of(database, lambda: MET).links
    database.close()


def asking(names: str, **facts: str) -> OpenIssue:
    issue = Issue("customer_ambiguous", "10042", facts={"candidates": names, **facts})
    return OpenIssue(1, "customers", issue, "Els", IssueState.OPEN, MET, MET, 1, "run")


def test_candidates_are_reported_with_whom_they_are_linked_to_and_when_they_were_last_sold_to(links: Links) -> None:
    till = DatingConnector([a_relation("R1"), a_relation("R2")], system="mplus")
    references = {name: till._entries[Kind.RELATION, name].reference for name in ("R1", "R2")}
    links.keep("customers", [Link(Kind.RELATION, "10001", references["R1"])])
    results = candidates(till, links, asking(", ".join([*references.values(), "R9"])), Kind.RELATION)
    assert [(candidate.reference, candidate.record is not None, candidate.taken_by) for candidate in results] == [
        (references["R1"], True, "10001"), (references["R2"], True, ""), ("R9", False, ""),
    ]  # fmt: skip
    assert till.requested_since == date(2025, 11, 20)


def test_what_identifies_the_record_that_a_person_chose_is_kept_with_its_link(tmp_path: Path) -> None:
    record = replace(a_relation("R1"), values={"name": "Els de Wit", "email": "els@example.com", "marker": "7"})
    with open_application(tmp_path, start=False) as application:
        links = stores_in(application).links
        application.exceptions.choose(asking("800"), Candidate("800", record), make_actor())
        link = links.get("customers", Kind.RELATION, ["10042"])["10042"]
        assert link.reference == "800"
        assert link.evidence == Evidence(target={"": {"name": "Els de Wit", "email": "els@example.com"}})
        source = {"": {"name": "E. de Wit", "email": "els@example.com"}}
        issue = asking("801", evidence_json=json.dumps(Evidence(source).to_json()))
        application.exceptions.choose(issue, Candidate("801", record), make_actor())
        link = links.get("customers", Kind.RELATION, ["10042"])["10042"]
        assert link.evidence == Evidence(source, {"": {"name": "Els de Wit", "email": "els@example.com"}})
        application.exceptions.choose(asking("801"), Candidate("801", None), make_actor())
        assert links.get("customers", Kind.RELATION, ["10042"])["10042"].evidence == NO_EVIDENCE


def test_nothing_is_said_of_use_where_the_system_cannot_tell(links: Links) -> None:
    till = DatingConnector([a_relation("R2")], system="mplus")
    assert candidates(till, links, asking("R2"), Kind.RELATION)[0].last_used == date(2026, 11, 3)
    unclear = {
        candidate.reference: candidate.is_use_unclear
        for candidate in candidates(till, links, asking("R1, R2, R3"), Kind.RELATION)
    }
    assert unclear == {"R1": False, "R2": False, "R3": True}
    till.is_away = True
    assert candidates(till, links, asking("R2"), Kind.RELATION)[0].last_used is None
    plain = MemoryConnector([a_relation("R2")], system="mplus")
    assert candidates(plain, links, asking("R2"), Kind.RELATION)[0].last_used is None
    assert candidates(plain, links, asking(""), Kind.RELATION) == []
