"""Decisions about days that changed after they were booked, on the page of exceptions."""

import pytest
from streamlit.testing.v1 import AppTest

from integration.application.application import Application
from integration.core.issues import CauseGroup, Issue, IssueOccurrence
from integration.core.records import Correction, Kind
from integration.services.runs.exceptions import group_address
from tests.pages.conftest import Open, press, texts
from tests.stores import stores_in

OPTIONS = ["Book the difference", "Reverse and book again", "Keep as it is"]


def changed_days(*days: str, late: str = "1.2.2026.2207") -> list[IssueOccurrence]:
    """Days that changed after they were booked, each with a mark of its own."""
    return [
        IssueOccurrence(
            Issue(
                "day_changed_after_booking", key, "decision",
                {"key": f"{key} Utrecht", "document": f"{key} Utrecht", "reference": "MZ6101700100", "amount": "18.15",
                 "difference": "8030 -18.15, 1010 18.15", "behind": late, "mark": f"m{key[-1]}"},
            ),
            "day",
            f"{key} Utrecht",
        )
        for key in days
    ]  # fmt: skip


def waiting(app: Application, *met: IssueOccurrence) -> CauseGroup:
    stores_in(app).issues.open("days", "by-hand", list(met))
    (group,) = app.exceptions.groups("days")
    return group


def stored_decisions(app: Application) -> set[tuple[str, str]]:
    return {(correction.key, str(correction.becomes)) for correction in app.corrections.list_corrections("days")}


def open_cause(open_page: Open, group: CauseGroup) -> AppTest:
    test = open_page("exceptions", cause=group_address(group.group_key))
    assert not test.exception
    return test


def test_one_day_is_decided_with_what_it_is_off_by_in_sight(fresh: Application, open_page: Open) -> None:
    test = open_cause(open_page, waiting(fresh, *changed_days("2026-10-17/1")))

    assert "Off by ledger account: 8030 -18.15, 1010 18.15" in texts(test)
    assert "Documents added later: 1.2.2026.2207" in texts(test)
    assert test.button(key="decide").disabled
    (choice,) = test.radio
    assert (choice.options, choice.value) == (OPTIONS, None)
    choice.set_value("again").run()
    assert test.button(key="decide").label == "Decide and preview 1 day"
    press(test, "decide")

    (correction,) = fresh.corrections.list_corrections("days")
    assert correction == Correction(
        Kind.DAY, "2026-10-17/1", "decision", None, "again m1", "2026-10-17/1 Utrecht", correction.by
    )  # fmt: skip
    corrected_page = open_page("exceptions", status="corrected", flow="days")
    assert corrected_page.dataframe[0].value["becomes"].tolist() == ["Reverse and book again"]


def test_documents_are_named_only_where_some_came_after(fresh: Application, open_page: Open) -> None:
    page_text = texts(open_cause(open_page, waiting(fresh, *changed_days("2026-10-17/1", late=""))))

    assert "Off by ledger account" in page_text
    assert "Documents added later" not in page_text


def test_of_several_days_only_those_are_decided_that_were_chosen(fresh: Application, open_page: Open) -> None:
    test = open_cause(open_page, waiting(fresh, *changed_days("2026-10-17/1", "2026-10-17/2")))

    assert len(test.radio) == 2
    test.radio[1].set_value("keep").run()
    press(test, "decide")

    second = fresh.exceptions.issues_of(fresh.exceptions.groups("days")[0].group_key)[1]
    assert stored_decisions(fresh) == {(second.issue.key, f"keep {second.issue.facts['mark']}")}


def test_a_whole_group_is_decided_with_one_answer(fresh: Application, open_page: Open) -> None:
    test = open_cause(open_page, waiting(fresh, *changed_days("2026-10-17/1", "2026-10-17/2")))

    test = test.segmented_control(key="decision_way").set_value("all").run()
    test.radio[0].set_value("difference").run()
    assert test.button(key="decide").label == "Decide and preview 2 days"
    press(test, "decide")

    assert stored_decisions(fresh) == {("2026-10-17/1", "difference m1"), ("2026-10-17/2", "difference m2")}


@pytest.mark.parametrize("way", [pytest.param("each", marks=pytest.mark.long), "all"])
def test_what_changed_once_more_while_the_page_was_open_is_asked_anew(
    fresh: Application, open_page: Open, way: str
) -> None:
    days = changed_days("2026-10-17/1", "2026-10-17/2")
    test = open_cause(open_page, waiting(fresh, *days))
    test = test.segmented_control(key="decision_way").set_value(way).run()
    test.radio[0].set_value("difference").run()
    assert not test.button(key="decide").disabled
    for occurrence in changed_days("2026-10-17/1", "2026-10-17/2"):
        newer = Issue(
            occurrence.issue.cause, occurrence.issue.key, "decision", {**occurrence.issue.facts, "mark": "newer"}
        )
        stores_in(fresh).issues.open("days", "by-hand", [IssueOccurrence(newer, occurrence.kind, occurrence.title)])

    test.run()

    assert test.button(key="decide").disabled
    assert stored_decisions(fresh) == set()
