"""The set-up on both systems in a box: what is chosen and answered is kept, and where it goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.core.errors import ConfigurationError
from integration.services import Application
from integration.services.setup import State, Weight
from tests.consoles import opened
from tests.stores import built_in

EVERY = {"products": 5, "stock": 5, "customers": 15, "orders": 10}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    """A console on the sandbox, nothing chosen."""
    with opened(tmp_path, start=False) as application:
        application.connections.use_sandbox("test")
        yield application


def states(app: Application, flow: str) -> dict[str, State]:
    return {one.question.name: one.state for one in app.setup.questions()[flow]}


def test_a_new_installation_begins_with_accountview(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application:
        assert application.setup.step() == "accountview"
        assert application.setup.goes_on() == ""
        assert not application.setup.ready()


def test_choosing_writes_nothing_and_starts_nothing(app: Application) -> None:
    assert app.sandbox.running is not None
    before = built_in(app).ledger.counts()["writes"]

    app.setup.choose(EVERY, "test")

    assert app.setup.chosen() == tuple(app.flows)
    assert app.flows.settings("orders").schedule_minutes == 10
    assert not any(app.flows.settings(flow).on for flow in app.flows)
    assert built_in(app).ledger.counts()["writes"] == before


def test_the_chosen_flows_run_by_themselves_once_they_are_started(app: Application) -> None:
    app.setup.choose({"products": 5, "orders": 5}, "test")

    app.setup.start("test")

    assert [flow for flow in app.flows if app.flows.settings(flow).on] == ["products", "orders"]
    app.setup.choose({"orders": 5, "stock": 5}, "test")
    assert [flow for flow in app.flows if app.flows.settings(flow).on] == ["stock", "orders"]


def test_a_flow_switched_on_elsewhere_counts_as_chosen(app: Application) -> None:
    app.flows.change("stock", {"on": True}, "test")

    assert app.setup.chosen() == ("stock",)


def test_every_proposed_answer_is_taken_at_once_and_what_is_open_stays_open(app: Application) -> None:
    app.setup.choose(EVERY, "test")
    assert app.setup.step() == "questions"

    app.setup.accept("test")

    left = {flow: [name for name, state in states(app, flow).items() if state is not State.ANSWERED] for flow in EVERY}
    assert left == {"products": ["vat"], "stock": [], "customers": [], "orders": ["vat"]}  # three codes share 0 %
    assert app.setup.step() == "questions"
    assert app.setup.ready()


def test_an_answer_is_kept_as_the_setting_it_is(app: Application) -> None:
    app.setup.choose({"products": 5}, "test")

    app.setup.answer("products", "number", {"sku_rule": "allotted", "sku_field": ""}, "test")

    assert app.flows.settings("products").model_dump()["sku_rule"] == "allotted"
    assert states(app, "products")["number"] is State.ANSWERED


def test_an_answer_that_cannot_be_used_leaves_the_question_open(app: Application) -> None:
    app.setup.choose({"products": 5}, "test")

    with pytest.raises(ConfigurationError):
        app.setup.answer("products", "number", {"sku_rule": "field", "sku_field": ""}, "test")

    assert states(app, "products")["number"] is not State.ANSWERED


def test_all_answers_given_the_set_up_goes_on_with_the_list_also_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application:
        application.connections.use_sandbox("test")
        application.setup.choose({"products": 5}, "test")
        application.setup.accept("test")
        application.setup.answer("products", "vat", application.tables.all()["vat_codes"], "test")
        assert application.setup.step() == "ready"
    with opened(tmp_path) as application:
        assert application.setup.step() == "ready"
        weights = {line.weight for line in application.setup.readiness()}
        assert weights == {Weight.PARKS, Weight.DONE}


def test_a_set_up_goes_on_from_the_first_answer_until_its_flows_run(app: Application) -> None:
    assert app.setup.goes_on() == ""  # looking around in the sandbox begins none

    app.setup.choose({"products": 5}, "test")
    assert app.setup.goes_on() == "questions"
    app.setup.accept("test")
    app.setup.answer("products", "vat", app.tables.all()["vat_codes"], "test")
    assert app.setup.goes_on() == "ready"
    app.setup.start("test")
    assert app.setup.goes_on() == ""


def test_a_set_up_whose_flows_were_switched_on_elsewhere_is_finished(app: Application) -> None:
    app.setup.choose({"products": 5}, "test")
    app.flows.change("products", {"on": True}, "test")

    assert app.setup.goes_on() == ""


def test_whoever_entered_access_to_one_system_has_begun(app: Application) -> None:
    app.connections.connect_mplus("http://127.0.0.1:9/", "shop", "secret", "test")

    assert app.setup.goes_on() == "accountview"


def test_sandbox_and_real_systems_are_set_up_apart(app: Application) -> None:
    app.setup.choose(EVERY, "test")

    app.connections.connect_mplus("http://127.0.0.1:9/", "shop", "secret", "test")

    assert app.setup.chosen() == ()
    assert app.setup.step() == "accountview"


def test_lists_that_cannot_be_read_leave_questions_open_and_a_silent_system_is_not_asked_again_at_once(
    app: Application,
) -> None:
    assert app.sandbox.running is not None
    app.setup.choose({"stock": 5, "orders": 5}, "test")
    with built_in(app).switches.armed("unavailable", system="mplus", times=None):
        assert states(app, "stock")["formula"] is State.PROPOSED
        calls = built_in(app).ledger.counts()["reads"]
        assert states(app, "orders")["completion"] is State.PROPOSED
        assert built_in(app).ledger.counts()["reads"] == calls


def test_a_check_is_told_line_by_line(app: Application) -> None:
    told: list[int] = []

    app.connections.check("mplus", lambda lines: told.append(sum(one.ok is True for one in lines)))

    assert told == [0, 1, 2, 3, 4, 5]
