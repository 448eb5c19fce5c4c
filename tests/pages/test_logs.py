"""The log on screen: records and their filters, one record's history, volumes, and queries in SQL."""

import io
import re
import sys
from collections.abc import Mapping

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from integration.application.application import Application
from integration.core.records import Kind
from integration.core.run import Mode, PreviewRequest, Run
from integration.services.log.log import LogSearch
from integration.words import LANGUAGES
from pages.components.logs.page_links import Place, cell_link
from tests.browser.test_operators import wide
from tests.log import hostile
from tests.pages.conftest import Open, commit_run, press, texts, wait_for_run
from tests.people import make_actor
from tests.stores import stores_in
from tests.timeouts import wait_until

SERVES = True
ARTICLES = 100  # more events than a page shows


@pytest.fixture(scope="module")
def product_run(connected_application: Application) -> Run:
    """A shop that wrote products and orders once, with all events in the log."""
    products = commit_run(
        connected_application,
        wait_for_run(
            connected_application,
            connected_application.runs.preview(PreviewRequest("products", make_actor("test"), Mode.COMPLETE)),
        ),
    )
    commit_run(
        connected_application,
        wait_for_run(
            connected_application,
            connected_application.runs.preview(PreviewRequest("orders", make_actor("test"), Mode.COMPLETE)),
        ),
    )
    connected_application.log.catch_up()
    return products


def _first_table(test: AppTest) -> pd.DataFrame:
    frame = test.dataframe[0].value
    assert isinstance(frame, pd.DataFrame)
    return frame


def _order_key(app: Application, event: str = "proven") -> str:
    events = app.log.search(LogSearch(flow="orders", event=event), limit=200)
    return str(events[events["kind"] == Kind.SALES_ORDER]["key"].iloc[0])


def test_a_log_without_an_event_says_which_events_it_will_have(fresh: Application, open_page: Open) -> None:
    fresh.log.catch_up()
    test = open_page("logs", find="nothing is called so")
    assert not test.exception
    assert "Nothing in the log matches this filter" in texts(test)
    test = press(test, "clear")
    assert not test.exception
    assert test.text_input(key="_find").value == ""
    volume = open_page("logs", tab="volume", period="365")
    assert "No run has ended yet" in texts(volume)


@pytest.mark.long
def test_a_log_that_was_set_aside_is_reported_until_its_file_is_moved(
    connected_application: Application, open_page: Open
) -> None:
    aside = connected_application.settings.data / "log.duckdb.broken-20261126-052815"
    aside.touch()
    warnings = [open_page(name).warning for name in ("", "logs")]
    aside.unlink()
    assert [["20261126" in warning.value for warning in page_warnings] for page_warnings in warnings] == [
        [True],
        [True],
    ]
    assert [len(open_page(name).warning) for name in ("", "logs")] == [0, 0]


@pytest.mark.long
@pytest.mark.usefixtures("product_run")
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("tab", ["records", "volume", "queries"])
def test_every_view_opens_in_every_language(open_page: Open, tab: str, lang: str) -> None:
    assert not open_page("logs", tab=tab, lang=lang).exception


def test_records_are_filtered_by_what_the_address_says(
    connected_application: Application, product_run: Run, open_page: Open
) -> None:
    every = connected_application.log.search().attrs["found"]
    test = open_page("logs", run=product_run.id, event="parked")
    table = _first_table(test)
    assert 0 < len(table) < every
    assert set(table["flow"]) == {"Products"}
    assert {label for (label,) in table["result"]} == {"‖ Parked"}
    assert all(table["reason"]), "what is parked says why"

    test = press(test, "every_run")
    assert not test.exception
    assert "run" not in test.query_params
    later = open_page("logs", **{"from": "2000-01-01", "to": "2000-01-02"})
    assert "Nothing in the log matches this filter" in texts(later)


def test_the_file_of_a_search_has_every_page_of_it(
    connected_application: Application, product_run: Run, open_page: Open
) -> None:
    criteria = LogSearch(run=product_run.id)
    match_count = connected_application.log.search(criteria).attrs["found"]
    test = open_page("logs", run=product_run.id)
    assert len(_first_table(test)) == 200
    assert f"Events 1 to 200 of {match_count:,}." in texts(test)
    second = open_page("logs", run=product_run.id, page="2")
    assert 0 < len(_first_table(second)) == min(match_count - 200, 200)
    assert f"Events 201 to {min(match_count, 400)}" in texts(second)
    assert set(_first_table(second).index) == set(range(len(_first_table(second))))


def test_the_life_of_an_order_tells_its_steps_its_place_and_its_sums(
    connected_application: Application, product_run: Run, open_page: Open
) -> None:
    assert product_run.id
    key = _order_key(connected_application)
    link = stores_in(connected_application).links.get("orders", Kind.SALES_ORDER, [key])[key]
    test = open_page("logs", record=f"orders:{key}")
    page_text = texts(test)
    assert not test.exception
    assert "Sales order" in test.title[0].value
    assert "3 steps" in page_text
    assert page_text.count("Proven: read back and equal to the plan") == len(
        {
            (row.kind, row.key)
            for row in connected_application.log.history("orders", key).itertuples()
            if row.event == "proven"
        }
    )
    tables = "\n".join(str(table.value) for table in test.table)
    assert link.reference in tables
    assert "Total including VAT" in tables
    assert "Approved by" in tables
    assert "To the cent" in page_text
    assert "Last agreed" in page_text
    table_texts = [table.value.to_string() for table in test.button(key="all_values").click().run().table]
    assert any("VAT code" in text and "% · AccountView" in text for text in table_texts), (
        "a line has its code in the books"
    )
    assert any("VAT code" in text and "% · MplusKASSA" in text for text in table_texts), "and a total that of the till"
    assert any("Number at the till" in text for text in table_texts)
    assert not any("Article number" in text for text in table_texts)


def test_every_step_of_a_life_is_shown_on_request(
    connected_application: Application, product_run: Run, open_page: Open
) -> None:
    assert product_run.id
    test = open_page("logs", record=f"orders:{_order_key(connected_application)}")
    assert "Sent" not in texts(test)
    test = test.toggle(key="steps").set_value(True).run()
    assert "Sent" in texts(test)


def test_the_details_of_a_step_show_the_difference_and_what_was_sent(
    connected_application: Application, product_run: Run, open_page: Open
) -> None:
    row = next(
        row
        for row in connected_application.plans.rows(product_run.id, "update", limit=20)
        if row.change and row.change.before
    )
    test = press(open_page("logs", record=f"products:{row.key}"), "details-0")
    assert not test.exception
    difference = next(table.value for table in test.table if "Before" in table.value.columns)
    assert len(difference) > 0
    assert all(difference["Before"] != difference["After"])
    json_text = "\n".join(str(block.value) for block in test.json)
    assert row.title in json_text
    assert "Sandbox" in test.title[0].value


def test_a_parked_record_leads_to_its_exception(
    connected_application: Application, product_run: Run, open_page: Open
) -> None:
    row = connected_application.plans.rows(product_run.id, "park", limit=1)[0]
    test = open_page("logs", record=f"products:{row.key}")
    assert not test.exception
    tables = "\n".join(str(table.value.to_dict()) for table in test.table)
    assert "/exceptions?cause=" in tables
    assert "Parked" in test.title[0].value


@pytest.mark.usefixtures("product_run")
def test_a_record_nobody_met_says_so(open_page: Open) -> None:
    test = open_page("logs", record="products:never-was")
    assert not test.exception
    assert "Nothing was recorded of this record" in texts(test)
    assert "Sandbox" in test.title[0].value


@pytest.mark.usefixtures("product_run")
def test_volumes_are_reported_for_a_period(open_page: Open) -> None:
    test = open_page("logs", tab="volume", period="7")
    assert not test.exception
    page_text = texts(test)
    for title in ("Records by result", "Errors by cause", "Duration of runs", "Time of one change"):
        assert title in page_text
    assert len(test.get("plotly_chart")) == 3
    assert test.dataframe[0].value["events"].sum() > 0


@pytest.mark.usefixtures("product_run")
def test_volumes_of_a_flow_that_never_ran_lead_back(open_page: Open) -> None:
    test = open_page("logs", tab="volume", flow="stock")
    assert "Nothing was recorded in this period" in texts(test)


# ---- queries --------------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.usefixtures("product_run")
def test_every_query_that_comes_with_the_console_is_answered(
    connected_application: Application, open_page: Open
) -> None:
    for name, sql in connected_application.saved_queries.shipped().items():
        test = press(open_page("logs", tab="queries", query_name=name, query=sql), "run_query")
        assert not test.exception, name
        assert "failure" not in test.session_state
        assert "Answer" in texts(test), name
        assert test.text_area(key="sql").value == sql


@pytest.mark.usefixtures("product_run")
def test_an_address_fills_the_editor_and_runs_nothing(open_page: Open) -> None:
    sql = "SELECT count(*) AS n FROM events"
    for more in ({}, {"query_name": "parked_most"}, {"show": "chart", "x": "n", "y": "n", "kind": "bar"}):
        test = open_page("logs", tab="queries", query=sql, **more)
        assert test.text_area(key="sql").value == sql
        assert "Answer" not in texts(test)
        assert "Answer" not in texts(test.run()), "nor when the page is drawn anew"
        assert not test.dataframe
    assert "Answer" in texts(press(test, "run_query"))


@pytest.mark.long
@pytest.mark.usefixtures("product_run")
def test_a_query_that_had_to_be_stopped_says_so_in_each_language(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.components.logs.queries.SECONDS", 0.2)
    sentences = {"en": "The query was stopped", "nl": "De query is gestopt", "de": "Die Abfrage wurde abgebrochen"}
    for language, sentence in sentences.items():
        test = open_page("logs", tab="queries", query=hostile.BOMB)
        test.session_state["spoken_language"] = language
        assert sentence not in texts(test)
        test = press(test, "run_query")
        assert not test.exception
        assert sentence in texts(test)
        test.text_area(key="sql").set_value("SELECT count(*) AS n FROM events")
        test = press(test, "run_query")
        assert sentence not in texts(test)
        assert len(_first_table(test)) == 1


@pytest.mark.usefixtures("product_run")
def test_a_function_that_is_refused_is_named_with_those_that_are_not(open_page: Open) -> None:
    test = press(open_page("logs", tab="queries", query="SELECT date_parse(title) FROM events"), "run_query")
    page_text = texts(test)
    assert "date_parse" in page_text
    assert "strptime" in page_text
    assert "median" not in page_text, "it is of another kind"


@pytest.mark.usefixtures("product_run")
def test_a_log_that_is_away_leaves_pages_of_runs_and_says_so_on_its_own(
    connected_application: Application, open_page: Open, product_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected_application.log.stop()
    monkeypatch.setattr(sys, "executable", "/bin/false")
    away = "The log does not respond"
    for page, parameters in (("runs", {"run": product_run.id}), ("", {}), ("logs", {}), ("stock", {}),
                        ("logs", {"record": "products:1"}),
                        ("logs", {"tab": "queries"}), ("logs", {"tab": "volume"})):  # fmt: skip
        test = open_page(page, **parameters)
        assert not test.exception, page
        assert away in texts(test), (page, parameters)
    assert away not in texts(open_page("runs"))
    assert "log_away" in connected_application.health.read().problems
    monkeypatch.undo()
    wait_until(lambda: away not in texts(open_page("logs")), "the log", pause=1)


@pytest.mark.usefixtures("product_run")
def test_a_saved_query_is_put_into_the_editor_and_answered(open_page: Open) -> None:
    test = open_page("logs", tab="queries")
    test = test.selectbox(key="_query_name").set_value("parked_most").run()
    assert not test.exception
    assert "event = 'parked'" in str(test.text_area(key="sql").value)
    assert "Answer" in texts(test)
    assert test.query_params["query_name"] == "parked_most"
    assert "query" not in test.query_params, "a query has one address"

    test.text_area(key="sql").set_value("SELECT 1 AS one")
    test = press(test, "run_query")
    assert test.selectbox(key="_query_name").value is None, "it is another query now"
    assert "query_name" not in test.query_params


@pytest.mark.usefixtures("product_run")
def test_another_address_puts_its_query_into_the_editor(open_page: Open) -> None:
    test = open_page("logs", tab="queries", query="SELECT 1 AS one")
    test.query_params["query"] = "SELECT 2 AS two"
    assert test.run().text_area(key="sql").value == "SELECT 2 AS two"


@pytest.mark.parametrize(
    ("row", "column", "place"),
    [
        ({"run": "abc"}, "run", ("runs", {"run": "abc"})),
        ({"flow": "products", "key": "1"}, "key", ("logs", {"record": "products:1"})),
        ({"key": "nobody knows"}, "key", ("logs", {"find": "nobody knows"})),
        ({"flow": "orders", "cause": "no_proof"}, "cause", ("logs", {"flow": "orders", "find": "no_proof"})),
        ({"events": "12"}, "events", None),
        ({"run": None}, "run", None),
    ],
)
@pytest.mark.usefixtures("product_run")
def test_a_code_of_an_answer_leads_to_what_it_names(
    connected_application: Application, row: Mapping[str, object], column: str, place: Place | None
) -> None:
    assert cell_link(connected_application, column, row) == place


@pytest.mark.usefixtures("product_run")
def test_a_query_is_saved_found_by_a_colleague_replaced_and_removed(
    connected_application: Application, open_page: Open
) -> None:
    test = open_page("logs", tab="queries", query="SELECT 1 AS one")
    test = test.text_input(key="new_query_name").set_value("My  query").run()
    test = press(test, "save_query")
    assert [(saved_query.name, saved_query.sql) for saved_query in connected_application.saved_queries.saved()] == [
        ("My query", "SELECT 1 AS one")
    ]

    colleague = open_page("logs", tab="queries", query_name="own:My query")
    assert colleague.text_area(key="sql").value == "SELECT 1 AS one"
    assert colleague.selectbox(key="_query_name").value == "own:My query"
    colleague.text_area(key="sql").set_value("SELECT 2 AS two")
    colleague = press(colleague, "run_query")
    colleague = press(colleague, "save_query")
    assert [saved_query.sql for saved_query in connected_application.saved_queries.saved()] == ["SELECT 2 AS two"]

    colleague = press(colleague, "remove_query")
    assert not colleague.exception
    assert connected_application.saved_queries.saved() == []


@pytest.mark.usefixtures("product_run")
def test_a_wrong_query_says_where_and_keeps_what_was_typed(open_page: Open) -> None:
    test = open_page("logs", tab="queries")
    test.text_area(key="sql").set_value("SELECT *\nFROM evnts")
    test = press(test, "run_query")
    assert "evnts at line 2, position 6" in texts(test)
    assert test.text_area(key="sql").value == "SELECT *\nFROM evnts"


@pytest.mark.usefixtures("product_run")
def test_a_life_tells_what_a_record_waited_for_and_who_ended_that(
    connected_application: Application, open_page: Open
) -> None:
    connected_application.flows.change("orders", {"brakes": wide("orders")}, make_actor("test"))
    connected_application.flows.change(
        "orders", {"default_debtor": "fallback", "debtor_number": "20001"}, make_actor("test")
    )
    tried = connected_application.runs.try_again("orders", "customer_missing", by=make_actor("test"))
    committed_run = commit_run(connected_application, wait_for_run(connected_application, tried))
    assert committed_run.counts.proven
    connected_application.log.catch_up()
    row = next(
        line for line in connected_application.plans.rows(committed_run.id, "proven") if line.kind is Kind.SALES_ORDER
    )

    page_text = texts(open_page("logs", record=f"orders:{row.key}"))

    assert re.search(r"Waited [^:]+: .* no customer [^.]*, until test changed “Default debtor.*”", page_text)
    assert "Default debtor **fallback**" in page_text
    assert "Approved" in page_text
    connected_application.flows.change("orders", {"default_debtor": "off", "debtor_number": ""}, make_actor("test"))


@pytest.mark.usefixtures("product_run")
def test_links_are_listed_and_found_by_their_number_in_the_other_system(
    connected_application: Application, open_page: Open
) -> None:
    test = open_page("logs", tab="links")
    assert {"xlsx-links", "csv-links", "data-links"} <= {str(button.key) for button in test.get("download_button")}
    every = _first_table(test)
    assert len(every) == min(200, connected_application.links.count_matching(list(connected_application.flows), ""))
    row = every.iloc[-1]

    matches = _first_table(open_page("logs", tab="links", find=row["there"]))

    assert row["code"] in set(matches["code"])
    assert len(matches) < len(every)
    assert "No link matches this filter" in texts(open_page("logs", tab="links", find="nowhere at all"))


@pytest.mark.usefixtures("product_run")
def test_an_answer_that_was_cut_says_so(open_page: Open) -> None:
    test = press(open_page("logs", tab="queries", query="SELECT * FROM range(20000)"), "run_query")
    assert "Only the first 10,000 rows are shown" in texts(test)
    assert len(_first_table(test)) == 10_000


@pytest.mark.usefixtures("product_run")
def test_an_answer_is_drawn_and_the_address_keeps_what_is_drawn(open_page: Open) -> None:
    sql = "SELECT event, count(*) AS n, count(DISTINCT key) AS keys FROM events GROUP BY event"
    test = press(open_page("logs", tab="queries", query=sql, show="chart"), "run_query")
    assert not test.exception
    assert (test.selectbox(key="_x").value, test.multiselect(key="_y").value) == ("event", ["n"])
    test = test.multiselect(key="_y").set_value(["n", "keys"]).run()
    assert test.query_params["y"] == "n,keys"
    reopened_page = open_page("logs", tab="queries", query=sql, show="chart", y="keys", kind="line")
    reopened_page = press(reopened_page, "run_query")
    assert reopened_page.multiselect(key="_y").value == ["keys"]

    words = press(open_page("logs", tab="queries", query="SELECT 'a' AS letter", show="chart"), "run_query")
    assert "Nothing to draw" in texts(words)
    none = press(open_page("logs", tab="queries", query="SELECT 1 WHERE false"), "run_query")
    assert "No rows" in texts(none)


def test_the_whole_log_is_a_file_for_whoever_has_a_ticket(connected_application: Application, product_run: Run) -> None:
    assert product_run.id
    access, ann = connected_application.log_access, make_actor("ann")
    download_token = access.download_token(ann)
    assert access.redeem("log.csv", download_token) == ann
    assert access.redeem("log.csv", download_token) is None  # it holds once
    file = access.exported("log.csv")
    log_rows = pd.read_csv(io.BytesIO(file.read_bytes()), dtype=str)
    file.unlink()
    assert product_run.id in set(log_rows["run"])
    for wrong in ("", "x", f"{download_token}0", f"9999999999.{download_token.partition('.')[2]}"):
        assert access.redeem("log.csv", wrong) is None
    assert access.redeem("console.sqlite", access.download_token(ann)) is None


@pytest.mark.usefixtures("product_run")
def test_rows_of_log_and_links_say_who_and_how_much(open_page: Open) -> None:
    records = _first_table(open_page("logs", flow="orders"))
    links = _first_table(open_page("logs", tab="links", flow="orders"))
    for table, who in ((records, "title"), (links, "name")):
        documents = table[table["amount"] != ""]
        assert len(documents)
        assert all(re.fullmatch(r"[\d,]+\.\d\d", amount) for amount in documents["amount"])
        assert any(documents[who])
    linked_parts = _first_table(open_page("logs", tab="links", flow="products"))
    assert all(linked_parts["name"])
