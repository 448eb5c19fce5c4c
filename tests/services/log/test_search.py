"""One search: records by their search keys, and places of the console by common words."""

import csv
import json
from pathlib import Path
from typing import cast

import duckdb
import pytest

from integration.core.links import Link
from integration.core.records import Kind, Record
from integration.flows.forms import Section, names
from integration.flows.registry import FLOWS
from integration.log.file import LogFile
from integration.log.logbook import Logbook
from integration.services.log.log import Log
from integration.services.log.search import PageResult, Search, caption_of, plain_amount
from integration.store.database import Database
from integration.store.events import Event, matched
from integration.store.links import Links
from integration.store.outbox_reader import OutboxReader
from integration.words import has_term
from integration.words.catalogues import FOLDER
from integration.words.search_terms import search_targets
from tests.log.conftest import NOW

ORDER = "032c86dd-c247-5120-85f7-4b2f1e512d37"
ABOUT = {"customer": "Bakkerij Zonneveld B.V.", "email": "info@zonneveld.example", "total": "514.33"}


@pytest.fixture
def search(logbook: Logbook, events: OutboxReader, database: Database) -> Search:
    """A search over a log with a written order, a waiting order, a product and a known customer."""
    links = Links(database, lambda: NOW)
    customer = Record(Kind.RELATION, "20007", {"name": "Café Zürich", "email": "post@zurich.example"})
    links.keep("customers", [Link(Kind.RELATION, "20007", "1007", customer)])
    links.keep("stock", [Link(Kind.STOCK, "10201", "710201")])
    events.record(
        Event(event="planned", flow="orders", kind="sales_order", key=ORDER, sources=(ORDER,), title="2026.47",
              facts={**ABOUT, "group": "2"}, after={"reference": "MP-2026.47", "payment_reference": "tr_75567360"}),
        Event(event="proven", flow="orders", kind="sales_order", key=ORDER, sources=(ORDER,), title="2026.47",
              facts={"reference": "26000062"}),
        Event(event="parked", flow="orders", kind="sales_order", key="p-1", title="2026.10", code="article_missing",
              facts={"key": "2026.10", "sold": "433.8", "customer": "Jansen"}),
        Event(event="planned", flow="products", kind="product", key="TS-RED", sources=("TS-RED-M", "TS-RED-L"),
              title="T-shirt rood", before={"202/name": 'Hemd "oud" L'},
              after={"name": "T-shirt rood", "201/ean": "8710000102018", "201/name": "T-shirt rood M \\ Größe"}),
        Event(event="planned", flow="customers", kind="relation", key="20008", title="Fietsen Noord B.V.",
              before={"name": "Rijwielhandel Noord"},
              after={"name": "Fietsen Noord B.V.", "company": "Noord Holding", "contact": "Eva Smit"}),
        matched("r1", "customers", Link(Kind.RELATION, "20007", "1007", customer)),
    )  # fmt: skip
    log = Log(logbook, events, is_drained=False)
    log.catch_up()
    return Search(FLOWS, log, links)


KNOWN_BY = (
    ("2026.47", ORDER, "title"),
    ("26000062", ORDER, "there"),
    ("mp-2026.47", ORDER, "reference"),
    ("tr_75567360", ORDER, "payment"),
    ("zonneveld bakkerij", ORDER, "customer"),
    ("INFO@zonneveld.example", ORDER, "email"),
    ("514.33", ORDER, "amount"),
    ("€ 514,33", ORDER, "amount"),
    ("433,80", "p-1", "amount"),
    ("jansen", "p-1", "customer"),
    ("8710000102018", "TS-RED", "ean"),
    ("TS-RED-M", "TS-RED", "article"),
    ("t-shirt rood m \\ größe", "TS-RED", "name"),
    ('Hemd "oud" L', "TS-RED", "name"),
    ("rijwielhandel", "20008", "name"),
    ("noord holding", "20008", "name"),
    ("eva smit", "20008", "name"),
    ("cafe zurich", "20007", "title"),
    ("1007", "20007", "there"),
    ("710201", "10201", "there"),  # of which only the database knows
)


def test_a_record_is_found_by_everything_it_is_known_by(search: Search) -> None:
    for search_text, key, key_type in KNOWN_BY:
        assert (key, key_type) in [(hit.key, hit.type) for hit in search.records(search_text, "en")], search_text


def test_a_link_without_values_has_the_title_of_its_product_or_of_the_opposite_flow(database: Database) -> None:
    links = Links(database, lambda: NOW)
    article = Record(Kind.ARTICLE, "710201", {"name": "Kettingolie 100 ml"}, source="10201")
    product = Record(Kind.PRODUCT, "10201", {"name": "Kettingolie"}, (article,))
    debtor = Record(Kind.DEBTOR, "1007", {"name": "Café Zürich"})
    of_products = [
        Link(Kind.PRODUCT, "10201", "9", product), Link(Kind.ARTICLE, "10201", "710201", owner="10201"),
        Link(Kind.ARTICLE, "10202", "710202", owner="10202"),
    ]  # fmt: skip
    of_customers = [Link(Kind.RELATION, "20007", "1007"), Link(Kind.RELATION, "20008", "1008")]
    links.keep("products", of_products)
    links.keep("customers", of_customers)
    links.keep("orders", [Link(Kind.DEBTOR, "1007", "20007", debtor)])
    expected_links = [("products", link) for link in of_products] + [("customers", link) for link in of_customers]
    assert list(Search(FLOWS, cast("Log", None), links).titles(expected_links).values()) == [
        "Kettingolie", "Kettingolie 100 ml", "", "Café Zürich", "",
    ]  # fmt: skip


def test_nothing_is_found_that_is_missing(search: Search) -> None:
    assert search.records("nowhere at all") == []
    assert search.records("4") == []
    assert search.records("14.33") == []  # no part of an amount is one


def test_a_record_tells_every_number_it_has(search: Search) -> None:
    known_names = {(name.type, name.value) for name in search.names("orders", ORDER)}
    assert {
        ("there", "26000062"),
        ("reference", "MP-2026.47"),
        ("payment", "tr_75567360"),
        ("amount", "514.33"),
    } <= known_names


def test_a_restored_log_is_looked_through_for_names_in_the_background(tmp_path: Path) -> None:
    place = tmp_path / "log.duckdb"
    file = LogFile(place, memory="256MB", threads=1)
    file.take("a", [{**_event("b"), "id": 7}])
    file.close()
    with duckdb.connect(str(place)) as connection:  # as a backup leaves it
        connection.execute("DELETE FROM known; DELETE FROM naming")
    file = LogFile(place, memory="256MB", threads=1)
    file.open()
    assert file.answer("names_of", "", {"flow": "f", "key": "b"}).num_rows == 0
    assert file.index_search_keys()
    assert file.answer("names_of", "", {"flow": "f", "key": "b"}).num_rows == 3
    assert file.index_search_keys()
    file.close()


def _event(key: str) -> dict[str, object]:
    facts: dict[str, str] = {"reference": "71"}
    return {
        "happened_at": NOW.isoformat(), "run": "r", "flow": "f", "kind": "product", "key": key, "title": "Tea",
        "sources": json.dumps([key]), "event": "proven", "code": "", "facts": json.dumps(facts), "before": None,
        "after": None, "ms": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "language", "amount"),
    [
        ("514.33", "nl", "514.33"), ("514,33", "en", "514.33"), ("€ 1.514,33", "nl", "1514.33"),
        ("1,514.33 EUR", "en", "1514.33"), ("-3,50", "de", "-3.50"), ("abc", "en", ""),
    ],
)  # fmt: skip
def test_an_amount_is_understood_as_people_copy_it(text: str, language: str, amount: str) -> None:
    assert plain_amount(text, language) == amount


# ---- places ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def places() -> Search:
    """A search of which only places are asked for."""
    return Search(FLOWS, cast("Log", None), cast("Links", None))


@pytest.mark.parametrize(
    ("word", "caption"),
    [
        ("Steuernummer", "field_vat_number"), ("Steuercode pro Land", "table_vat_codes_sales"),
        ("Standard-Steuercode", "setting_default_vat_method"), ("Einnahmekonto nach Land", "table_revenue_accounts"),
        ("Bestellstatus", "setting_delivery"), ("Standard-Schuldner", "setting_default_debtor"),
        ("standard schuldner", "setting_default_debtor"), ("Kundenupdate", "setting_create"),
        ("Angebot erstellen", "setting_proposals"), ("Angebot erstellen", "part_offer"),
        ("Erstelle Inhalte", "part_content"), ("Eigenschaften", "settings_variants"), ("Merkmale", "field_colour"),
        ("Kategorien", "setting_groups"), ("Pfand", "table_balance_accounts"), ("Versandkosten", "setting_shipping"),
        ("verzendkosten", "setting_shipping"), ("shipping cost", "setting_shipping"),
        ("statiegeld", "table_day_accounts"),
        ("Rundungs", "setting_rounding_limit"), ("Uitzonderingen", "nav_exceptions"),
    ],
)  # fmt: skip
def test_the_words_people_look_for_lead_to_their_setting(places: Search, word: str, caption: str) -> None:
    assert caption in [place.caption for place in places.places(word)]


@pytest.mark.long
def test_every_word_of_the_table_is_found_and_leads_to_something_that_exists(places: Search) -> None:
    for line in search_targets():
        assert has_term(line.caption), line
        if line.page == "flows":
            spec, parameters = FLOWS[line.flow], line.query_parameters
            if parameters["tab"] == "settings":
                captions = [caption_of(line.flow, name) for section in spec.sections for name in _names(section)]
                assert parameters["field"] in [name for section in spec.sections for name in _names(section)], line
                assert line.caption.startswith(("part_", "settings_")) or line.caption in captions, line
            if parameters["tab"] == "tables":
                assert parameters["table"] in [table.name for table in spec.tables], line
        for word in line.words:
            results = places.places(word, 50)
            assert any(
                (place.page, dict(place.query_parameters)) == (line.page, line.query_parameters) for place in results
            ), word


def _names(section: Section) -> list[str]:
    return names(section.shapes)


def test_the_table_has_words_in_every_language() -> None:
    with (FOLDER / "search_terms.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["caption"] for line in lines for language in ("en", "nl", "de") if not line[language].strip()] == []


def test_a_setting_is_found_by_its_own_caption_in_any_language(places: Search) -> None:
    (first, *_) = places.places("sammelartikel")
    assert first == PageResult(
        "flows",
        {"flow": "orders", "tab": "settings", "field": "collective_article"},
        "setting_collective_article",
        "orders",
    )
