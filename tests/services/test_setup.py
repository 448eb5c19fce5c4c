"""The set-up on both systems in a box: what is chosen and answered is kept, and where it goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.bootstrap import Application
from integration.core.errors import ConfigurationError
from integration.services.readiness import State, Weight
from tests.consoles import opened

EVERY = {"products": 5, "stock": 5, "customers": 15, "orders": 10}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    """A console on the sandbox, nothing chosen."""
    with opened(tmp_path, start=False) as application:
        application.use_sandbox("test")
        yield application


def states(app: Application, flow: str) -> dict[str, State]:
    return {one.question.name: one.state for one in app.setting_up.questions()[flow]}


def test_a_new_installation_begins_with_accountview(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application:
        assert application.setting_up.step() == "accountview"
        assert application.setting_up.goes_on() == ""
        assert not application.setting_up.ready()


def test_choosing_writes_nothing_and_starts_nothing(app: Application) -> None:
    assert app.sandbox is not None
    before = app.sandbox.ledger.counts()["writes"]

    app.setting_up.choose(EVERY, "test")

    assert app.setting_up.chosen() == tuple(app.flows)
    assert app.flow_settings("orders").schedule_minutes == 10
    assert not any(app.flow_settings(flow).on for flow in app.flows)
    assert app.sandbox.ledger.counts()["writes"] == before


def test_the_chosen_flows_run_by_themselves_once_they_are_started(app: Application) -> None:
    app.setting_up.choose({"products": 5, "orders": 5}, "test")

    app.setting_up.start("test")

    assert [flow for flow in app.flows if app.flow_settings(flow).on] == ["products", "orders"]
    app.setting_up.choose({"orders": 5, "stock": 5}, "test")
    assert [flow for flow in app.flows if app.flow_settings(flow).on] == ["stock", "orders"]


def test_a_flow_switched_on_elsewhere_counts_as_chosen(app: Application) -> None:
    app.set_flow("stock", {"on": True}, "test")

    assert app.setting_up.chosen() == ("stock",)


def test_every_proposed_answer_is_taken_at_once_and_what_is_open_stays_open(app: Application) -> None:
    app.setting_up.choose(EVERY, "test")
    assert app.setting_up.step() == "questions"

    app.setting_up.accept("test")

    left = {flow: [name for name, state in states(app, flow).items() if state is not State.ANSWERED] for flow in EVERY}
    assert left == {"products": ["vat"], "stock": [], "customers": [], "orders": ["vat"]}  # three codes share 0 %
    assert app.setting_up.step() == "questions"
    assert app.setting_up.ready()


def test_an_answer_is_kept_as_the_setting_it_is(app: Application) -> None:
    app.setting_up.choose({"products": 5}, "test")

    app.setting_up.answer("products", "number", {"sku_rule": "allotted", "sku_field": ""}, "test")

    assert app.flow_settings("products").model_dump()["sku_rule"] == "allotted"
    assert states(app, "products")["number"] is State.ANSWERED


def test_an_answer_that_cannot_be_used_leaves_the_question_open(app: Application) -> None:
    app.setting_up.choose({"products": 5}, "test")

    with pytest.raises(ConfigurationError):
        app.setting_up.answer("products", "number", {"sku_rule": "field", "sku_field": ""}, "test")

    assert states(app, "products")["number"] is not State.ANSWERED


def test_all_answers_given_the_set_up_goes_on_with_the_list_also_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application:
        application.use_sandbox("test")
        application.setting_up.choose({"products": 5}, "test")
        application.setting_up.accept("test")
        application.setting_up.answer("products", "vat", application.tables()["vat_codes"], "test")
        assert application.setting_up.step() == "ready"
    with opened(tmp_path) as application:
        assert application.setting_up.step() == "ready"
        weights = {line.weight for line in application.setting_up.readiness()}
        assert weights == {Weight.PARKS, Weight.DONE}


def test_a_set_up_goes_on_from_the_first_answer_until_its_flows_run(app: Application) -> None:
    assert app.setting_up.goes_on() == ""  # looking around in the sandbox begins none

    app.setting_up.choose({"products": 5}, "test")
    assert app.setting_up.goes_on() == "questions"
    app.setting_up.accept("test")
    app.setting_up.answer("products", "vat", app.tables()["vat_codes"], "test")
    assert app.setting_up.goes_on() == "ready"
    app.setting_up.start("test")
    assert app.setting_up.goes_on() == ""


def test_a_set_up_whose_flows_were_switched_on_elsewhere_is_finished(app: Application) -> None:
    app.setting_up.choose({"products": 5}, "test")
    app.set_flow("products", {"on": True}, "test")

    assert app.setting_up.goes_on() == ""


def test_whoever_entered_access_to_one_system_has_begun(app: Application) -> None:
    app.connect_mplus("http://127.0.0.1:9/", "shop", "secret", "test")

    assert app.setting_up.goes_on() == "accountview"


def test_sandbox_and_real_systems_are_set_up_apart(app: Application) -> None:
    app.setting_up.choose(EVERY, "test")

    app.connect_mplus("http://127.0.0.1:9/", "shop", "secret", "test")

    assert app.setting_up.chosen() == ()
    assert app.setting_up.step() == "accountview"


def test_lists_that_cannot_be_read_leave_questions_open_and_a_silent_system_is_not_asked_again_at_once(
    app: Application,
) -> None:
    assert app.sandbox is not None
    app.setting_up.choose({"stock": 5, "orders": 5}, "test")
    with app.sandbox.switches.armed("unavailable", system="mplus", times=None):
        assert states(app, "stock")["formula"] is State.PROPOSED
        calls = app.sandbox.ledger.counts()["reads"]
        assert states(app, "orders")["completion"] is State.PROPOSED
        assert app.sandbox.ledger.counts()["reads"] == calls


def test_a_check_is_told_line_by_line(app: Application) -> None:
    told: list[int] = []

    app.check("mplus", lambda lines: told.append(sum(one.ok is True for one in lines)))

    assert told == [0, 1, 2, 3, 4, 5]
