"""A number is no identity: if a linked number has another record now, a person is asked."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from integration.core.issues import OpenIssue
from integration.core.link_evidence import ARTICLE_CHANGED, OTHER_RECORD, SAME_RECORD, Evidence
from integration.core.links import Link
from integration.core.records import CurrentRecord, Kind, Record, Value
from integration.core.run import Mode
from integration.core.states import RunState, Step
from integration.runner.identified import Identified
from integration.services.runs.conflict_resolution import answer_identity_questions
from tests.builders import a_part, a_product
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness, edit_record
from tests.parts import UNHELD

KEY = "1001"
MUG, CHAIR = "8712345678906", "8700000000001"
OTHER_SOURCE: Mapping[str, Value] = {"name": "Tuinstoel", "ean": CHAIR}
OTHER_TARGET: Mapping[str, Value] = {"name": "Tuinstoel", "1001/name": "Tuinstoel", "1001/ean": CHAIR}


@pytest.fixture
def linked_harness(harness: FlowHarness, source: MemoryConnector) -> FlowHarness:
    """The flow after its first run, with an EAN for the article that is looked at."""
    edit_record(source, KEY, {"name": "Koffiemok", "ean": MUG})
    harness.run()
    return harness


@pytest.fixture
def suspected(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """The systems that runs report: name, contradicting records, and records read."""
    reports: list[tuple[str, int, int]] = []
    monkeypatch.setattr(UNHELD["identities"], "suspect", lambda *report: reports.append(report))
    return reports


def question(harness: FlowHarness) -> OpenIssue:
    """Return the open question about the identity of an article."""
    (open_issue,) = harness.issues.list(harness.flow, ARTICLE_CHANGED)
    return open_issue


def answer_question(harness: FlowHarness, option: str) -> None:
    """Answer the question as a person does."""
    assert answer_identity_questions(harness.links, harness.flow, [question(harness)], option, "anna") == []


@pytest.mark.parametrize("side", ["source", "target"])
def test_an_article_that_became_another_on_one_side_is_a_question_and_nothing_of_it_is_written(
    linked_harness: FlowHarness,
    source: MemoryConnector,
    target: MemoryConnector,
    side: str,
    suspected: list[tuple[str, int, int]],
) -> None:
    if side == "source":
        edit_record(source, KEY, OTHER_SOURCE)
    else:
        edit_record(target, KEY, OTHER_TARGET, Kind.PRODUCT)
        edit_record(source, KEY, {"price": Decimal("33.0578")})
    before = target.records_of(Kind.PRODUCT)[KEY]
    run = linked_harness.run()

    assert linked_harness.causes(run) == {KEY: ARTICLE_CHANGED}
    assert target.records_of(Kind.PRODUCT)[KEY] == before
    facts = question(linked_harness).issue.facts
    assert ("Koffiemok" in facts["was"], "Tuinstoel" in facts["now"]) == (True, True)
    assert facts["system"] == {"source": "accountview", "target": "mplus"}[side]
    assert suspected == [(facts["system"], 1, run.counts.read_count)]


@pytest.mark.parametrize("side", ["source", "target"])
def test_the_system_that_lost_records_is_reported(
    linked_harness: FlowHarness,
    source: MemoryConnector,
    target: MemoryConnector,
    side: str,
    suspected: list[tuple[str, int, int]],
) -> None:
    (source if side == "source" else target).remove(Kind.ARTICLE if side == "source" else Kind.PRODUCT, KEY)
    run = linked_harness.run(Mode.COMPLETE)
    system = {"source": "accountview", "target": "mplus"}[side]
    assert suspected == [(system, 1, run.counts.read_count)]
    if side == "source":
        linked_harness.undo(run)
    assert len(suspected) == 1  # what an undo makes inactive is not lost


@pytest.mark.parametrize("values", [{"name": "Beker, 250 ml"}, {"ean": CHAIR}, {"ean": ""}])
def test_one_thing_that_changes_is_no_question(
    linked_harness: FlowHarness, source: MemoryConnector, values: Mapping[str, Value]
) -> None:
    edit_record(source, KEY, values)
    assert linked_harness.causes(linked_harness.run()) == {}


def test_what_was_written_counts_as_known_when_the_rest_changes_later(
    linked_harness: FlowHarness, source: MemoryConnector
) -> None:
    for values in ({"name": "Beker"}, {"ean": CHAIR}, {"name": "Tuinstoel"}):
        edit_record(source, KEY, values)
        assert linked_harness.causes(linked_harness.run()) == {}


def test_the_same_article_after_all_is_written_once_a_person_says_so(
    linked_harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    edit_record(source, KEY, OTHER_SOURCE)
    linked_harness.run()
    answer_question(linked_harness, SAME_RECORD)
    run = linked_harness.run(Mode.CHOSEN, [KEY])

    assert linked_harness.steps(run) == {KEY: Step.PROVEN}
    assert target.records_of(Kind.PRODUCT)[KEY].values["name"] == "Tuinstoel"
    assert linked_harness.preview(Mode.COMPLETE).state is RunState.DONE


def test_another_article_under_the_number_is_never_written_until_a_person_says_otherwise(
    linked_harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    edit_record(source, KEY, OTHER_SOURCE)
    linked_harness.run()
    before = target.records_of(Kind.PRODUCT)[KEY]
    answer_question(linked_harness, OTHER_RECORD)
    assert linked_harness.links.get(linked_harness.flow, Kind.PRODUCT, [KEY]) == {}

    assert linked_harness.causes(linked_harness.run(Mode.CHOSEN, [KEY])) == {KEY: ARTICLE_CHANGED}
    assert target.records_of(Kind.PRODUCT)[KEY] == before
    answer_question(linked_harness, SAME_RECORD)
    assert linked_harness.causes(linked_harness.run(Mode.CHOSEN, [KEY])) == {}
    assert target.records_of(Kind.PRODUCT)[KEY].values["name"] == "Tuinstoel"


def test_an_answer_about_a_changed_record_is_not_stored(linked_harness: FlowHarness, source: MemoryConnector) -> None:
    edit_record(source, KEY, OTHER_SOURCE)
    linked_harness.run()
    link = linked_harness.links.get(linked_harness.flow, Kind.PRODUCT, [KEY])[KEY]
    linked_harness.links.keep(linked_harness.flow, [Link(link.kind, link.key, link.reference, link.agreed)])
    for option in (SAME_RECORD, OTHER_RECORD):
        answer_question(linked_harness, option)
    assert linked_harness.links.get(linked_harness.flow, Kind.PRODUCT, [KEY])[KEY].reference == link.reference


def test_an_article_that_becomes_another_between_plan_and_write_is_left_alone(
    linked_harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    edit_record(source, KEY, {"blocked": False, "unit": "DS"})
    run = linked_harness.preview()
    assert run.state is RunState.READY
    edit_record(target, KEY, OTHER_TARGET, Kind.PRODUCT)
    before = target.records_of(Kind.PRODUCT)[KEY]
    linked_harness.commit(run)

    assert linked_harness.causes(run) == {KEY: ARTICLE_CHANGED}
    assert target.records_of(Kind.PRODUCT)[KEY] == before


def test_an_article_that_is_another_by_now_is_not_retired(
    linked_harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    edit_record(target, KEY, OTHER_TARGET, Kind.PRODUCT)
    source.remove(Kind.ARTICLE, KEY)
    run = linked_harness.preview(Mode.COMPLETE)
    assert linked_harness.causes(run) == {KEY: ARTICLE_CHANGED}
    assert linked_harness.changes(run) == {}


def test_an_article_that_only_another_flow_has_linked_is_compared_with_the_evidence_of_that_link(
    harness: FlowHarness,
) -> None:
    flow, links = harness.logics().current_logic(harness.flow).flow, harness.links.references(harness.flow)
    article = Record(Kind.STOCK, KEY, {"name": "Verzendkosten"})
    current = CurrentRecord(Record(Kind.STOCK, KEY, {}), "77", identities={"": {"name": "Parasol"}})
    for name, is_asked in (("Verzendkosten", True), ("Parasol", False)):
        unlinked_evidence = {KEY: Evidence(target={"": {"name": name}})}
        issue = Identified(links, flow, {}, unlinked_evidence).question(article, current, {})
        assert (issue is not None and issue.cause == ARTICLE_CHANGED) is is_asked
    assert Identified(links, flow, {}, {}).question(article, current, {}) is None


def test_a_number_that_both_have_for_different_articles_is_a_question_at_the_first_match_too(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    edit_record(source, KEY, {"name": "Koffiemok", "ean": MUG})
    target.put(a_product(KEY, (a_part(KEY, name="Tuinstoel", ean=CHAIR),), name="Tuinstoel"))
    run = harness.run()
    assert harness.causes(run) == {KEY: ARTICLE_CHANGED}
    assert target.records_of(Kind.PRODUCT)[KEY].values["name"] == "Tuinstoel"
