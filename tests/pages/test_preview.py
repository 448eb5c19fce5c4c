"""The preview page: filters of a plan, and a selection over all its pages."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from integration.application.application import Application
from integration.core.errors import PlanStaleError
from integration.core.plan import Approval
from integration.core.plan_lines import LineFilter
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.states import RunState
from integration.services.runs.exceptions import group_address
from integration.services.runs.runs import PLAN_COLUMNS
from pages.components.shared.plan import PAGE
from pages.components.shared.runs import MAX_CAUSES
from tests.pages.conftest import Open, forbid_product_changes, press, preview_products, texts, wait_for_run
from tests.people import make_actor
from tests.stores import sandbox_of, stores_in


@pytest.fixture(scope="module", autouse=True)
def limit(connected_application: Application) -> None:
    """Every plan trips a brake."""
    forbid_product_changes(connected_application)


@pytest.fixture
def plan(connected_application: Application) -> Iterator[Run]:
    """A plan of products that waits."""
    run = preview_products(connected_application)
    assert run.state is RunState.READY
    yield run
    if connected_application.runs.get(run.id).state is RunState.READY:
        connected_application.runs.discard(run.id, "test")


def plan_codes(test: AppTest) -> list[str]:
    """Return the codes in the table of the plan."""
    return [str(code) for code in test.dataframe[0].value["key"]]


def options(test: AppTest, name: str) -> list[str]:
    return next((list(selectbox.options) for selectbox in test.selectbox if selectbox.key == f"_{name}"), [])


# ---- filters


def test_a_filter_by_group_shows_its_lines_and_the_csv_is_what_is_shown(
    connected_application: Application, open_page: Open, waiting_plan: Run
) -> None:
    counts = connected_application.plans.facets(waiting_plan.id, "create")["group"]
    group, number = next(iter(counts.items()))

    test = open_page("preview", plan=waiting_plan.id, show="create", group=group)

    assert not test.exception
    page_text = texts(test)
    assert f"{waiting_plan.counts.planned} articles are written by " in page_text
    assert "the articles of one product are one change" in page_text
    assert len(plan_codes(test)) == min(number, PAGE)
    rows = connected_application.plans.listed(waiting_plan.id, "create", "", LineFilter(group=group))
    assert list(dict.fromkeys(row[PLAN_COLUMNS.index("key")] for row in rows)) == plan_codes(test)


def test_a_filter_by_field_is_kept_in_the_address_and_offers_what_there_is(
    connected_application: Application, open_page: Open, waiting_plan: Run
) -> None:
    test = open_page("preview", plan=waiting_plan.id, show="update")
    fields = connected_application.plans.facets(waiting_plan.id, "update")["field"]
    assert len(options(test, "field")) == len(fields) + 1

    test = test.selectbox(key="_field").select("article.price_incl").run()

    assert test.query_params["field"] == "article.price_incl"
    assert len(plan_codes(test)) == fields["article.price_incl"]
    assert {
        row.key
        for row in connected_application.plans.rows(
            waiting_plan.id, "update", among=LineFilter(field="article.price_incl")
        )
    } == set(plan_codes(test))


def test_a_plan_leads_to_the_repair_of_each_cause_that_it_parked(
    connected_application: Application, open_page: Open, waiting_plan: Run
) -> None:
    test = open_page("preview", plan=waiting_plan.id)

    keys = [f"need-{group_address(group.group_key)}" for group in connected_application.exceptions.of_run(waiting_plan)]
    assert keys
    assert [str(button.key) for button in test.button if str(button.key).startswith("need-")] == keys[:MAX_CAUSES]
    assert not press(test, keys[0]).exception


def test_another_action_forgets_the_field_and_keeps_the_group(
    connected_application: Application, open_page: Open, waiting_plan: Run
) -> None:
    group = next(iter(connected_application.plans.facets(waiting_plan.id, "update")["group"]))
    test = open_page("preview", plan=waiting_plan.id, show="update", group=group, field="article.price_incl")

    test = test.segmented_control(key="_show").set_value("create").run()

    assert not test.exception
    assert "field" not in test.query_params
    assert test.query_params["group"] == group


def test_filters_that_nothing_meets_can_be_cleared(open_page: Open, waiting_plan: Run) -> None:
    test = open_page("preview", plan=waiting_plan.id, show="create", find="nothing is called so")
    assert "No line matches" in texts(test)

    test = press(test, "clear")

    assert test.text_input(key="_find").value == ""
    assert plan_codes(test)


# ---- choosing


def test_what_is_shown_is_left_out_on_all_pages_and_the_button_counts(
    connected_application: Application, open_page: Open, plan: Run
) -> None:
    changes = connected_application.plans.count(plan.id, "changes")
    group, number = next(iter(connected_application.plans.facets(plan.id, "create")["group"].items()))
    test = open_page("preview", plan=plan.id, show="create", group=group)

    test = press(test, "leave_shown")

    assert f"{changes - number} of {changes} changes chosen · {changes - number} writes" in texts(test)
    assert f"Commit {changes - number} changes to MplusKASSA" in texts(test)
    assert connected_application.plans.changes(plan.id, "create", among=LineFilter(group=group)) == set(
        connected_application.runs.get(plan.id).excluded
    )

    test = press(test, "choose_shown")

    assert f"{changes} of {changes} changes chosen" in texts(test)
    assert "Nothing has been written yet" in texts(test)
    assert press(open_page("preview", plan=plan.id, show="all"), "leave_shown").button(key="commit").disabled


def bar(test: AppTest, excluded: int, changes: int) -> bool:
    return f"{changes - excluded} of {changes} changes chosen" in texts(test)


def tick(test: AppTest, plan: Run, place: int) -> AppTest:
    """Take the tick of a line away, or set it."""
    key, before = test.session_state["ticks_seen"]
    assert key.startswith(f"plan-{plan.id}")
    test.session_state[key] = {"selection": {"rows": sorted(before ^ {place}), "columns": [], "cells": []}}
    return test.run()


def test_a_line_without_its_tick_stays_left_out_wherever_one_looks_in_between(
    connected_application: Application, open_page: Open, plan: Run
) -> None:
    changes = connected_application.plans.count(plan.id, "changes")
    test = tick(open_page("preview", plan=plan.id, show="create"), plan, 0)
    first = connected_application.plans.rows(plan.id, "create", limit=1)[0]
    assert bar(test, 1, changes)

    for show in ("skip", "create"):
        test = test.segmented_control(key="_show").set_value(show).run()
        assert bar(test, 1, changes)

    assert set(connected_application.runs.get(plan.id).excluded) == {first.seq}
    assert bar(open_page("preview", plan=plan.id, show="all"), 1, changes)  # as after a reload, or at another desk


def test_what_was_left_out_is_not_written(connected_application: Application, open_page: Open, plan: Run) -> None:
    changes = connected_application.plans.count(plan.id, "changes")
    test = press(open_page("preview", plan=plan.id, show="create"), "leave_shown")
    test = test.segmented_control(key="_show").set_value("skip").run()
    test = press(test.segmented_control(key="_show").set_value("create").run(), "commit")
    for brake in plan.brakes:
        test.text_input(key=f"typed-{brake.code}").set_value(str(brake.count))
    stored_run = connected_application.runs.get(plan.id)
    assert len(stored_run.excluded) == connected_application.plans.count(plan.id, "create")
    with pytest.raises(PlanStaleError, match="choice_changed"):
        connected_application.runs.commit(
            plan.id, Approval(plan.mark, "test", {brake.code: brake.count for brake in plan.brakes})
        )
    assert bar(test, len(stored_run.excluded), changes)


def test_the_question_of_a_brake_writes_nothing_and_its_answer_is_typed_where_it_is_said(
    connected_application: Application, open_page: Open, plan: Run
) -> None:
    assert plan.brakes
    test = press(open_page("preview", plan=plan.id), "commit")
    assert test.button(key="really").disabled
    test = press(test, "back")
    for brake in plan.brakes:
        test = test.text_input(key=f"brake-{brake.code}").set_value(str(brake.count)).run()

    test = press(test, "commit")

    assert [test.text_input(key=f"typed-{brake.code}").value for brake in plan.brakes] == [
        str(brake.count) for brake in plan.brakes
    ]
    assert not test.button(key="really").disabled
    assert connected_application.runs.get(plan.id).state is RunState.READY
    press(test, "back")


@pytest.mark.long
def test_two_who_choose_see_the_choice_of_each_other(
    connected_application: Application, open_page: Open, plan: Run
) -> None:
    changes = connected_application.plans.count(plan.id, "changes")
    hers, his = (open_page("preview", plan=plan.id, show="create") for _ in range(2))

    hers = tick(hers, plan, 0)
    his = tick(his, plan, 1)

    assert "Another person changed the selection in the meantime" in texts(his)
    assert bar(his, 2, changes)
    hers = press(hers, "commit")
    assert "Another person changed the selection in the meantime" in texts(hers)
    assert connected_application.runs.get(plan.id).state is RunState.READY
    assert bar(hers, 2, changes)
    assert "really" not in {button.key for button in hers.button}


@pytest.mark.long
def test_the_question_of_a_brake_stays_while_a_newer_plan_that_says_the_same_takes_over(
    connected_application: Application, open_page: Open, plan: Run
) -> None:
    assert plan.brakes
    test = press(tick(open_page("preview", plan=plan.id, show="create"), plan, 0), "commit")
    typed = f"typed-{plan.brakes[0].code}"
    test.text_input(key=typed).set_value("1").run()

    newer = preview_products(connected_application)
    test = test.run()

    assert connected_application.runs.get(plan.id).state is RunState.DISCARDED
    assert test.query_params["plan"] in (newer.id, [newer.id])
    assert "Its changes and your selection are the same" in texts(test)
    assert test.text_input(key=typed).value == "1"
    assert bar(test, 1, connected_application.plans.count(newer.id, "changes"))
    press(test, "back")
    assert "really" not in {button.key for button in press(test, "choose_all").button}
    connected_application.runs.discard(newer.id, "test")


# ---- others at work


@pytest.mark.long
def test_a_plan_made_with_an_older_mapping_says_so_before_anybody_commits(
    connected_application: Application, open_page: Open, plan: Run
) -> None:
    assert "has been published since" not in texts(open_page("preview", plan=plan.id))
    stores_in(connected_application).rules.publish(
        "products", stores_in(connected_application).rules.body("products", plan.mapping_version), "test", ""
    )

    test = open_page("preview", plan=plan.id)

    assert "has been published since" in texts(test)
    assert test.button(key="commit").disabled
    assert [button.key for button in test.button].count("again") == 1
    test = press(test, "again")
    newer = connected_application.runs.latest("products", limit=1)[0]
    assert newer.id != plan.id
    connected_application.runs.discard(wait_for_run(connected_application, newer.id).id, "test")


def test_a_plan_made_before_names_in_accountview_were_changed_cannot_be_committed(
    connected_application: Application, open_page: Open, plan: Run
) -> None:
    before = dict(connected_application.names.current_names().article)["ean"]
    connected_application.names.put({"article.ean": ""}, make_actor("test"))

    test = open_page("preview", plan=plan.id)

    assert "after it was made: names of objects or fields in AccountView" in texts(test)
    assert test.button(key="commit").disabled
    with pytest.raises(PlanStaleError, match="basis_changed_since"):
        connected_application.runs.commit(plan.id, Approval(plan.fingerprint, "test"))
    connected_application.names.put({"article.ean": before}, make_actor("test"))
    assert connected_application.runs.outdated(plan) is None
    assert not open_page("preview", plan=plan.id).button(key="commit").disabled


@pytest.mark.long
def test_a_plan_of_chosen_records_leaves_the_other_and_both_are_shown(
    connected_application: Application, open_page: Open, plan: Run
) -> None:
    row = connected_application.plans.rows(plan.id, "create", limit=1)[0]
    assert row.change is not None
    keys = row.change.sources
    chosen = wait_for_run(
        connected_application,
        connected_application.runs.preview(PreviewRequest("products", make_actor("test"), Mode.CHOSEN, keys)),
    )
    assert {run.id for run in connected_application.runs.waiting_plans("products")} == {plan.id, chosen.id}

    test = open_page("preview", plan=plan.id)
    assert "Another plan of this flow waits" in texts(test)
    test = press(test, f"other-{chosen.id}")
    assert test.query_params["plan"] in (chosen.id, [chosen.id])
    assert "Another plan of this flow waits" in texts(test)

    offered = " ".join(str(button.key) for button in open_page("overview").button)
    assert (plan.id in offered, chosen.id in offered) == (True, True)
    connected_application.runs.discard(chosen.id, "test")


# ---- runs


def test_a_page_asks_the_systems_once_for_what_many_look_at(connected_application: Application) -> None:
    assert connected_application.sandbox.running is not None
    connected_application.lists.choices("mplus", "branches")
    calls = sandbox_of(connected_application).ledger.counts()

    next_choices = connected_application.lists.choices("mplus", "branches")

    assert next_choices
    assert connected_application.lists.captions("mplus", "branches") == next_choices
    assert sandbox_of(connected_application).ledger.counts() == calls


def test_an_order_plan_is_filtered_by_branch(connected_application: Application) -> None:
    run = wait_for_run(
        connected_application,
        connected_application.runs.preview(PreviewRequest("orders", make_actor("test"), Mode.COMPLETE)),
    )

    branches = connected_application.plans.facets(run.id)["group"]

    assert set(branches) <= set(connected_application.lists.choices("mplus", "branches"))
    assert len(branches) > 1
    worth = [row for row in connected_application.plans.rows(run.id, limit=1000) if row.group in branches]
    assert sum(branches.values()) == len(worth)
    assert len(worth) == connected_application.plans.count(run.id)
    if run.state is RunState.READY:
        connected_application.runs.discard(run.id, "test")


# ---- what waits beside it


def test_several_plans_are_switched_between_and_the_menu_has_their_sum(
    connected_application: Application, open_page: Open, waiting_plan: Run
) -> None:
    other = wait_for_run(
        connected_application, connected_application.runs.preview(PreviewRequest("customers", make_actor("test")))
    )
    assert other.state is RunState.READY

    test = open_page("preview", plan=waiting_plan.id)
    labels = [str(option) for option in test.segmented_control(key="_flow").options]
    counts = [connected_application.plans.count(run.id, "planned") for run in (waiting_plan, other)]
    assert labels == [f"Products **{counts[0]}**", f"Customers **{counts[1]}**"]

    test = test.segmented_control(key="_flow").set_value("customers").run()
    assert "Customers · MplusKASSA" in texts(test) or "Customers · AccountView" in texts(test)
    connected_application.runs.discard(other.id, "test")


@pytest.mark.usefixtures("waiting_plan")
def test_a_plan_that_does_not_exist_opens_the_last_one_instead(open_page: Open) -> None:
    assert not open_page("preview", plan="never-was").exception


def test_the_overview_starts_a_preview_and_shows_it(
    connected_application: Application, open_page: Open, waiting_plan: Run
) -> None:
    connected_application.runs.discard(waiting_plan.id, "test")
    test = press(open_page(), "preview-products")

    assert not test.exception
    run = wait_for_run(connected_application, connected_application.runs.latest(limit=1)[0].id)
    assert run.state is RunState.READY
    connected_application.runs.discard(run.id, "test")


def test_the_set_up_checks_a_connection_line_by_line(connected_application: Application, open_page: Open) -> None:
    before = datetime.now(UTC)

    test = press(open_page("setup", step="mplus"), "check-mplus")

    assert "MplusKASSA answers" in texts(test)
    status = next(
        candidate for candidate in connected_application.connections.statuses() if candidate.system == "mplus"
    )
    assert status.checked_at is not None
    assert status.checked_at > before
