"""The set-up: chosen flows, answered questions, and the list of missing answers."""

import re
from collections.abc import Iterator
from datetime import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from integration import flows, words
from integration.application.application import Application
from integration.flows.forms import Question, RadioChoice, single_fields
from integration.flows.registry import FLOWS
from integration.services.setup import State
from integration.services.setup import steps as set_up_steps
from tests.pages.conftest import Open, press, texts, wait_for_run
from tests.people import make_actor
from tests.stores import stores_in

EVERY = {"products": 5, "stock": 5, "customers": 15, "orders": 5}
ASKED = [(flow, question) for flow, spec in FLOWS.items() for question in spec.questions]


@pytest.fixture
def connected_application(connected_application: Application) -> Iterator[Application]:
    """The shop of the module, whose settings and answers are restored after each test."""
    settings_store, rules = stores_in(connected_application).settings, connected_application.rules
    settings, tables = settings_store.settings_with_prefix(""), rules.tables()
    yield connected_application
    for name, value in settings_store.settings_with_prefix("").items():
        if name not in settings:
            settings_store.forget(name, "test")
        elif value != settings[name]:
            settings_store.put(name, settings[name], "test")
    for name, rows in rules.tables().items():
        if rows != tables.get(name, {}):
            rules.set_table(name, tables.get(name, {}), "test")


def state(app: Application, flow: str, name: str) -> State:
    return next(
        asked_question.state for asked_question in app.setup.questions()[flow] if asked_question.question.name == name
    )


def steps(test: AppTest) -> list[str]:
    return [button.label for button in test.button if str(button.key).startswith("step-")]


@pytest.mark.parametrize(("flow", "question"), ASKED)
def test_every_question_has_its_words_and_the_fields_that_answer_it(flow: str, question: Question) -> None:
    shapes = {shape.name: shape for section in FLOWS[flow].sections for shape in single_fields(section.shapes)}

    assert words.has_term(f"question_{flow}_{question.name}")
    assert set(question.settings) <= shapes.keys()
    assert not question.table or question.table in {table.name for table in FLOWS[flow].tables}
    chosen = [shapes[name] for name in question.settings]
    assert all(words.has_term(f"{shape.words}_code") for shape in chosen if isinstance(shape, RadioChoice))


@pytest.mark.parametrize(
    ("language", "expected"), [("en", "Two consoles"), ("nl", "Twee consoles"), ("de", "Zwei Konsolen")]
)
def test_who_says_with_what_our_reference_begins_hears_of_a_second_console(language: str, expected: str) -> None:
    (question,) = [candidate for flow, candidate in ASKED if (flow, candidate.name) == ("orders", "prefix")]
    assert question.settings == ("reference_prefix",)
    assert expected in words.term("about_reference_prefix", language)


def test_every_reason_has_its_sentence() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in Path(flows.__path__[0]).rglob("*.py"))
    keys = set(re.findall(r'"((?:proposed|lack)_[a-z_]+)"', source))
    keys |= {
        "proposed_sku_code",
        "proposed_sku_allotted",
        *(f"lack_{question.table}" for _, question in ASKED if question.table),
    }

    assert len(keys) > len(ASKED)
    assert [key for key in keys if not words.has_term(key)] == []


@pytest.mark.usefixtures("connected_application")
def test_the_set_up_continues_with_the_first_open_step(open_page: Open) -> None:
    test = open_page("setup")

    assert "Choose flows" in texts(test)
    assert test.query_params["step"] == "flows"
    assert len(steps(test)) == len(set_up_steps())


def test_flows_are_chosen_with_their_timetable_and_lead_to_their_questions(
    connected_application: Application, open_page: Open
) -> None:
    test = open_page("setup", step="flows")
    test = test.toggle(key="choose-customers").set_value(True).run()
    assert f"{sum(toggle.value for toggle in test.toggle)} of 6 chosen" in texts(test)
    test = test.number_input(key="customers-schedule_minutes-0").set_value(20).run()
    test = test.time_input(key="customers-calendar.begins-0").set_value(time(7)).run()
    test = test.time_input(key="customers-calendar.ends-0").set_value(time(22)).run()
    test = test.button_group(key="customers-calendar.weekdays-en-0").set_value([0, 1, 2, 3, 4, 5]).run()
    test = test.button_group(key="customers-calendar.weekdays-en-0").set_value([]).run()
    assert "Choose at least one day." in texts(test)

    test = press(test, "continue")

    assert not test.exception
    assert connected_application.setup.chosen() == tuple(
        flow for flow in connected_application.flows if flow != "payments"
    )  # off unless chosen
    table = connected_application.flows.settings("customers").timetable
    assert (table.every, table.begins, table.ends) == (20, time(7), time(22))
    assert table.weekdays == frozenset(range(6))
    assert not any(status.on for status in connected_application.flows.statuses())
    assert "Which article number does the till get?" in texts(test)


def test_a_question_is_answered_folds_into_one_line_and_can_be_opened_again(
    connected_application: Application, open_page: Open
) -> None:
    connected_application.setup.choose(EVERY, make_actor("test"))
    test = open_page("setup", step="questions", question="products.number")
    assert "can be a number at the till as they are" in texts(test)
    test = test.radio(key="products-sku_rule-0").set_value("allotted").run()

    test = press(test, "answer-products.number")

    assert not test.exception
    assert connected_application.flows.settings("products").model_dump()["sku_rule"] == "allotted"
    assert "A number that the console assigns once" in texts(test)
    assert not test.radio
    test = press(test, "open-products.number")
    assert test.radio(key="products-sku_rule-0").value == "allotted"


def test_reservations_are_shown_both_ways_on_three_articles_before_anything_is_subtracted(
    connected_application: Application, open_page: Open
) -> None:
    connected_application.setup.choose(EVERY, make_actor("test"))
    connected_application.flows.change("stock", {"branches": {"1": "formula"}}, make_actor("test"))
    test = open_page("setup", step="questions", question="stock.reservations")
    assert "Reservations are not subtracted. Aantal gereserveerd (K9_RSRV) may hold them" in texts(test)
    (table,) = test.table
    assert list(table.value.columns[1:]) == [
        "Value of this field",
        "Level after subtraction",
        "Level without subtraction",
    ]
    assert len(table.value) == 3
    assert connected_application.flows.settings("stock").model_dump()["reservations"] == "ask"

    test = press(test, "answer-stock.reservations")

    assert not test.exception
    settings = connected_application.flows.settings("stock").model_dump()
    assert (settings["reservations"], settings["reserved"]) == ("field", "K9_RSRV")


def test_groups_that_were_not_used_lately_stand_apart_and_can_be_given_an_account(
    connected_application: Application, open_page: Open
) -> None:
    connected_application.setup.choose(EVERY, make_actor("test"))
    connected_application.flows.change("orders", {"receipts": "posting", "daybook": "700"}, make_actor("test"))
    test = open_page("setup", step="questions", question="orders.balances")

    (apart,) = test.expander
    assert apart.label == "Not used in the last weeks"
    assert "Wisselgeld uit kluis" in " ".join(element.value for element in apart.markdown)
    assert not any(selectbox.disabled for selectbox in apart.selectbox)


def test_what_cannot_be_used_is_said_beside_the_field(connected_application: Application, open_page: Open) -> None:
    connected_application.setup.choose(EVERY, make_actor("test"))
    test = open_page("setup", step="questions", question="orders.documents")
    test = test.selectbox(key="orders-orders-0").set_value("posting").run()
    test = test.selectbox(key="orders-daybook-0").set_value("").run()

    test = press(test, "answer-orders.documents")

    assert "the sales daybook for postings" in texts(test)
    assert connected_application.flows.settings("orders").model_dump()["orders"] == "order"


def test_a_counterpart_is_chosen_from_the_lists_of_both_systems(
    connected_application: Application, open_page: Open
) -> None:
    connected_application.setup.choose(EVERY, make_actor("test"))
    before = connected_application.rules.tables()["vat_codes"]
    test = open_page("setup", step="questions", question="products.vat")
    first = next(selectbox for selectbox in test.selectbox)
    assert (first.label.split()[0], len(first.options)) == ("3", 6)

    test = press(first.set_value("3").run(), "answer-products.vat")

    assert connected_application.rules.tables()["vat_codes"] == {**before, "3": "3"}
    assert state(connected_application, "products", "vat") is State.ANSWERED


def test_turnover_groups_are_proposed_row_by_row_and_stored(
    connected_application: Application, open_page: Open
) -> None:
    connected_application.setup.choose(EVERY, make_actor("test"))
    test = open_page("setup", step="questions", question="products.turnover")
    assert not test.exception
    shoes = next(selectbox for selectbox in test.selectbox if selectbox.label.startswith("KLED "))
    assert shoes.value == "20"  # of the same name

    test = press(shoes.set_value("40").run(), "answer-products.turnover")

    rows = connected_application.rules.tables()["turnover_groups"]
    assert (rows["KLED"], rows["K-SHI"]) == ("40", "20")
    assert state(connected_application, "products", "turnover") is State.ANSWERED


def test_all_proposals_are_taken_with_one_button(connected_application: Application, open_page: Open) -> None:
    connected_application.setup.choose(EVERY, make_actor("test"))
    test = open_page("setup", step="questions")

    test = press(test, "accept_all")

    assert not test.exception
    assert state(connected_application, "customers", "who") is State.ANSWERED
    assert state(connected_application, "orders", "completion") is State.ANSWERED
    assert "Beheerder" in texts(test)


def test_what_stops_is_listed_first_leads_to_its_question_and_holds_the_first_preview(
    connected_application: Application, open_page: Open
) -> None:
    connected_application.setup.choose({"stock": 5}, make_actor("test"))
    before = connected_application.flows.settings("stock").model_dump()["branches"]
    connected_application.flows.change("stock", {"branches": {}}, make_actor("test"))

    test = open_page("setup", step="ready")
    page_text = texts(test)

    assert "1 thing is missing" in page_text
    assert page_text.index("No branch of the till gets stock yet") < page_text.index("AccountView**")
    assert "Make the first preview" not in page_text
    test = press(test, "to-questions-stock.branches")
    assert (test.query_params["question"], test.query_params["flow"]) == ("stock.branches", "stock")
    test = press(test, "answer-stock.branches")  # as it is proposed
    assert connected_application.flows.settings("stock").model_dump()["branches"] == before
    assert "Make the first preview of stock" in texts(open_page("setup", step="ready"))


def test_the_first_preview_starts_the_chosen_flows_and_the_list_stays(
    connected_application: Application, open_page: Open
) -> None:
    connected_application.setup.choose({"products": 5}, make_actor("test"))

    test = press(open_page("setup", step="ready"), "first-products")

    assert not test.exception
    run = wait_for_run(connected_application, connected_application.runs.latest(limit=1)[0].id)
    assert (run.flow, connected_application.flows.settings("products").on) == ("products", True)
    assert "Nothing that stops a flow is missing" in texts(open_page("setup", step="ready"))
    connected_application.runs.discard(run.id, "test")


@pytest.mark.usefixtures("connected_application")
@pytest.mark.parametrize("step", set_up_steps())
@pytest.mark.parametrize("language", ["nl", "de"])
def test_every_step_opens_in_every_language(open_page: Open, step: str, language: str) -> None:
    test = open_page("setup", step=step, lang=language)

    assert not test.exception
    assert "failure" not in test.session_state
