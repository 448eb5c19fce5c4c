"""Every page opens with any stored data: unusable values are reported and repaired, and lock nobody out."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from integration.application.application import Application
from integration.core.errors import ConfigurationError
from integration.core.run import Mode, PreviewRequest
from integration.services.setup import steps
from integration.store.tables import mappings, settings, value_tables
from integration.words import say
from tests.pages.conftest import Open, texts
from tests.people import make_actor
from tests.stores import stores_in

FAILED = tuple(say(code, {"incident": ""}).problem[:24] for code in ("page_failed", "part_failed"))
FLOWS = ("products", "stock", "customers", "orders")
NUMBERS: tuple[Any, ...] = ("", "x", "NaN", "-1", "9" * 400, -1, 10**400, True, None, [], {}, "٣", "１２", " 5 ")
# What pydantic takes for a number or a switch.
TAKEN = {"schedule_minutes": (True, " 5 "), "brakes.changes": (True, None, " 5 "), "on": (True,)}

ADDRESSES: tuple[Any, ...] = (
    "https://kassa.example:99999/", "https://kassa.example:x/", "x", "", "https://a b/", "https://☃☃:80/", "http://[::1",
    None, 7, [], {"a": 1}, "https://" + "9" * 5_000,
)  # fmt: skip


def every_page(open_page: Open) -> Iterator[tuple[str, AppTest]]:
    """Open every page, with each of its tabs that shows settings."""
    yield "overview", open_page()
    for name in ("preview", "runs", "exceptions", "logs", "stock", "mappings"):
        yield name, open_page(name)
    for step in steps():
        yield f"setup {step}", open_page("setup", step=step)
    for flow in FLOWS:
        for tab in ("settings", "filters", "tables", "brakes", "fields"):
            yield f"flows {flow} {tab}", open_page("flows", flow=flow, tab=tab)
    yield "mappings changes", open_page("mappings", flow="products", part="changes")
    yield "questions", open_page("logs", tab="queries")


def failing(open_page: Open) -> dict[str, str]:
    """Return the pages that cannot be shown, with their errors."""
    failures = {}
    for name, test in every_page(open_page):
        page_text = texts(test)
        if test.exception or any(pattern in page_text for pattern in FAILED):
            failures[name] = str([error.message for error in test.exception]) + page_text[-300:]
    return failures


def store_setting(app: Application, name: str, value: Any) -> None:
    """Store a setting with a value that the console would refuse."""
    stores = stores_in(app)
    stores.settings.put(name, {}, "test")
    with stores.database.write() as connection:
        connection.execute(settings.update().where(settings.c.name == name).values(value=value))


@pytest.mark.long
@pytest.mark.parametrize(
    "nonsense",
    [
        pytest.param(
            {"on": "perhaps", "schedule_minutes": "x", "filters": 7, "brakes": {"changes": -1, "price_percent": "NaN"}},
            marks=pytest.mark.long,
        ),
        {"on": True, "schedule_minutes": 10**400, "filters": [{"field": ""}], "brakes": [], "auto_approve": "٣",
         "branches": {"1": 7}, "rates": {"USD": "NaN"}, "content": "?", "offers": 3, "nobody": "knows"},
        pytest.param([1, 2], marks=pytest.mark.long), pytest.param("text", marks=pytest.mark.long),
    ],
    ids=["types", "values", "list", "text"],
)  # fmt: skip
def test_settings_that_cannot_be_used_keep_no_page_from_opening(
    fresh: Application, open_page: Open, nonsense: Any
) -> None:
    for flow in FLOWS:
        store_setting(fresh, f"flow:{flow}", nonsense)
    for name in ("names", "sandbox-names", "set-up", "tables", "tables:real", "sandbox", "draft:products"):
        store_setting(fresh, name, nonsense)
    for name in ("question:own", "question:", "question:" + "x" * 500):
        store_setting(fresh, name, nonsense)
    assert failing(open_page) == {}
    assert not any(fresh.flows.is_on(flow) for flow in FLOWS)


def test_settings_that_cannot_be_used_are_reported_and_put_right_by_whoever_saves_others(
    connected_application: Application, open_page: Open
) -> None:
    store_setting(
        connected_application, "flow:products", {"on": True, "schedule_minutes": "x", "brakes": {"changes": 7}}
    )
    assert "The setting Schedule" in texts(open_page()) or "cannot be used" in texts(open_page())
    assert [status.fault is None for status in connected_application.flows.statuses()].count(False) == 1
    assert not connected_application.flows.may_begin("products", Mode.CHANGES)
    with pytest.raises(ConfigurationError):
        connected_application.runs.preview(PreviewRequest("products", make_actor("test")))

    connected_application.flows.change("products", {"on": True}, make_actor("test"))

    assert all(status.fault is None for status in connected_application.flows.statuses())
    assert connected_application.flows.settings("products").limits["changes"] == 7
    assert connected_application.flows.is_on("products")


@pytest.mark.parametrize(
    "address",
    [
        *ADDRESSES[:1],
        None,
        *(pytest.param(address, marks=pytest.mark.long) for address in ADDRESSES[1:] if address is not None),
    ],
    ids=lambda address: str(address)[:20],
)
def test_an_address_that_cannot_be_used_keeps_no_page_from_opening(
    unconnected_application: Application, open_page: Open, address: Any
) -> None:
    connected_application = unconnected_application.access.connected
    connected_application.put("mplus", {"url": address, "ident": address, "secret": "s"}, "test")
    connected_application.put("accountview", {"url": address, "client_id": "c", "company": "1"}, "test")
    for name in ("setup mplus", "setup accountview", "overview"):
        step = name.partition(" ")[2]
        test = open_page("setup", step=step) if step else open_page()
        assert not test.exception, name
        assert not any(pattern in texts(test) for pattern in FAILED), name


@pytest.mark.parametrize(
    ("address", "port", "expected"),
    [("https://kassa.example", "99999", "A port is a whole number"), ("https://kassa.example", "x", "A port is"),
     ("https://kassa.example", "-1", "A port is"), ("https://kassa.example", "٣", "A port is"),
     ("https://kas sa", "", "not a valid address"), ("x", "80", "not a valid address")],
)  # fmt: skip
def test_a_typing_mistake_is_reported_beside_the_field_and_kept_nowhere(
    unconnected_application: Application, open_page: Open, address: str, port: str, expected: str
) -> None:
    test = open_page("setup", step="mplus")
    for field, value in zip(test.text_input, (address, port, "ident", "secret"), strict=True):
        field.set_value(value)
    test.button[[button.label for button in test.button].index("Check the connection")].click().run()
    assert expected in texts(test)
    assert not unconnected_application.access.is_connected("mplus")


@pytest.mark.long
def test_connections_that_cannot_be_used_keep_no_page_from_opening(fresh: Application, open_page: Open) -> None:
    connected_application = fresh.access.connected
    connected_application.put("mplus", {"url": "https://kassa.example:99999/", "ident": 7, "page_articles": -1}, "test")
    connected_application.put(
        "accountview", {"company": ["x"], "client_id": {}, "in_flight": "NaN", "objects": 3}, "test"
    )
    assert failing(open_page) == {}


@pytest.mark.long
@pytest.mark.parametrize(
    "body",
    [
        {"version": "x", "rules": [{"target": 3}, "text"]},
        pytest.param({}, marks=pytest.mark.long),
        pytest.param({"rules": 7}, marks=pytest.mark.long),
        pytest.param({"rules": None}, marks=pytest.mark.long),
    ],
)
def test_mappings_and_tables_that_cannot_be_used_keep_no_page_from_opening(
    fresh: Application, open_page: Open, body: Any
) -> None:
    stores = stores_in(fresh)
    with stores.database.write() as connection:
        connection.execute(mappings.update().values(body=body))
    stores.rules.set_table("vat_codes", {"1": "2"}, "test")
    with stores.database.write() as connection:
        connection.execute(value_tables.update().values(rows=sa.literal([1, 2], sa.JSON)))
    assert failing(open_page) == {}


@pytest.mark.parametrize("field", ["schedule_minutes", "brakes.changes", "on"])
@pytest.mark.parametrize("value", NUMBERS, ids=lambda number: str(number)[:8])
def test_what_cannot_be_used_is_refused_where_it_is_entered(
    unconnected_application: Application, field: str, value: Any
) -> None:
    group, _, name = field.partition(".")
    changes = {group: {name: value} if name else value}
    if value in TAKEN.get(field, ()):
        unconnected_application.flows.change("products", changes, make_actor("test"))
    else:
        with pytest.raises(ConfigurationError, match="flow_setting_invalid") as caught:
            unconnected_application.flows.change("products", changes, make_actor("test"))
        assert group in caught.value.facts["setting"]
    assert unconnected_application.flows.settings("products").schedule_minutes in range(1, 60)
    stores_in(unconnected_application).settings.put("flow:products", {}, "test")
