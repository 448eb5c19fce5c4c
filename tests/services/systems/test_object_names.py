"""AccountView's names of objects and fields: set by a person or a file, compared with the installation."""

import re
import time
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import stamina

from integration.application.application import Application
from integration.connectors.accountview.columns import UNVERIFIED
from integration.connectors.accountview.connector import AccountView
from integration.connectors.accountview.settings import AccountViewAccess, Names
from integration.core.connections import Finding
from integration.core.errors import ConfigurationError
from integration.core.rules import Mapping, Rule
from integration.sandbox.accountview.conventions import BY_ANALOGY
from integration.sandbox.faults import Fault
from integration.sandbox.server import running
from integration.services.systems.connection_settings import ELSEWHERE_SECONDS as ACCESS_SECONDS
from integration.services.systems.objects import (
    FILE,
    REQUIRED_NAMES,
    Availability,
    Name,
    NamedObject,
    NamedObjects,
    flat,
)
from integration.words import say
from tests.consoles import WHO, open_application
from tests.people import make_actor
from tests.programs import books_access
from tests.stores import sandbox_of, stores_in

DOCS = Path(__file__).parents[3] / "docs"
INVOICES = {
    "objects.trade_invoices.code": "K9F", "objects.trade_invoices.table": "K9_INV",
    "objects.trade_invoices.detail": "K9_INVL",
}  # fmt: skip


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """An application that has joined the sandbox, without an engine."""
    with open_application(tmp_path_factory.mktemp("names"), start=False, sandbox=True) as application:
        application.connections.join_sandbox()
        yield application


@pytest.fixture
def app(console: Application) -> Iterator[Application]:
    """The same application with its names as they were put back afterwards."""
    before = flat(console.names.current_names())
    yield console
    now = flat(console.names.current_names())
    console.names.put({path: before[path] for path in now if now[path] != before[path]}, make_actor(WHO))


def find_object(named_objects: NamedObjects, name: str) -> NamedObject:
    return next(named_object for named_object in named_objects.objects if named_object.name == name)


def name_of(app: Application, path: str) -> Name:
    return next(name for named_object in app.names.read().objects for name in named_object.names if name.path == path)


# ---- what is set, and what is there


def test_every_name_there_is_stands_under_one_object(app: Application) -> None:
    paths = [name.path for named_object in app.names.read().objects for name in named_object.names]
    lineless = {f"objects.{name}.detail" for name in dict(Names().objects)} - set(paths)

    assert sorted(paths) == sorted(flat(Names()).keys() - lineless)
    assert all(flat(Names())[path] == "" for path in lineless if path in flat(Names()))


def test_what_is_there_is_distinguished_from_what_is_not(app: Application) -> None:
    app.names.put({"debtor.email": "NO_MAIL", "article.unit": "", "objects.postings.code": "ZZ9"}, make_actor(WHO))
    named_objects = app.names.read()
    states = {name.path: name.availability for named_object in named_objects.objects for name in named_object.names}

    assert states["debtor.name"] is Availability.PRESENT
    assert states["debtor.email"] is Availability.ABSENT
    assert states["article.unit"] is Availability.UNUSED
    assert find_object(named_objects, "postings").availability is Availability.ABSENT
    assert find_object(named_objects, "trade_invoices").availability is Availability.UNUSED
    assert find_object(named_objects, "warehouses").availability is Availability.PRESENT
    assert named_objects.cause == ""


def test_a_field_is_chosen_from_the_dictionary_with_its_caption(app: Application) -> None:
    street, reference = name_of(app, "debtor.street"), name_of(app, "history.reference")

    assert street.options["ADDRESS1"] == "Adres"
    assert len(street.options) > 100
    assert (reference.value, reference.availability, reference.options["COMMENT1"]) == (
        "COMMENT1", Availability.PRESENT, "Omschrijving order",
    )  # fmt: skip


def test_a_column_is_proposed_for_a_field_without_one(app: Application) -> None:
    app.names.put({"article.ean": ""}, make_actor(WHO))

    assert name_of(app, "article.ean").proposed == "K9_EAN"
    assert name_of(app, "article.colour").proposed == ""  # it has one


def test_an_unverified_default_is_marked_and_a_verified_one_is_not(app: Application) -> None:
    assert name_of(app, "sales_order.gross").unverified
    assert not name_of(app, "sales_order.debtor").unverified
    assert not name_of(app, "article.ean").unverified  # there is no default


def test_where_nobody_can_look_the_names_are_reported_all_the_same(app: Application) -> None:
    assert app.sandbox
    with (
        stamina.set_testing(True, attempts=1),
        sandbox_of(app).switches.armed(Fault.UNAVAILABLE, system="accountview", operation="dictionary"),
    ):  # fmt: skip
        named_objects = app.names.read()

    assert named_objects.cause == "service_unavailable"
    assert name_of_these(named_objects, "objects.articles.code").availability is Availability.PRESENT
    assert name_of_these(named_objects, "article.name").availability is Availability.UNREAD
    assert name_of_these(named_objects, "article.name").options == {}


def name_of_these(named_objects: NamedObjects, path: str) -> Name:
    return next(name for named_object in named_objects.objects for name in named_object.names if name.path == path)


# ---- changing them


def test_names_are_used_from_the_next_call_on(app: Application) -> None:
    before = app.access.connector("accountview")
    app.names.put({"article.name": "K9_TEXT"}, make_actor(WHO))

    assert app.access.connector("accountview") is not before
    assert [
        field.wire for field in app.lists.fields("accountview", app.flows.configured_flow("stock").counted_stage.source)
    ][1] == "K9_TEXT"


def test_a_changed_name_has_to_exist_and_the_default_need_not(app: Application) -> None:
    app.names.put({"article.unit": "NO_UNIT"}, make_actor(WHO))
    wrong = [
        (finding.name, finding.facts["field"])
        for finding in app.connections.check("accountview")
        if finding.ok is False
    ]
    assert wrong == [("fields", "NO_UNIT"), ("flow_products", "NO_UNIT"), ("flow_stock", "NO_UNIT")]

    app.names.put({"article.unit": None}, make_actor(WHO))
    assert app.names.current_names().article.model_fields_set.isdisjoint({"unit"})
    assert all(finding.ok for finding in app.connections.check("accountview"))


def test_another_process_uses_changed_names_a_moment_later(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as server, open_application(tmp_path, start=False) as worker:
        server.access.keep("accountview", {"client_id": "console", "company": "7f3c"}, WHO)
        before = worker.access.connector("accountview")
        server.names.put({"article.name": "K9_TEXT"}, make_actor(WHO))
        time.sleep(ACCESS_SECONDS + 0.1)

        after = worker.access.connector("accountview")
        assert after is not before
        assert isinstance(after, AccountView)
        assert dict(after.settings.article)["name"] == "K9_TEXT"
        assert worker.access.connector("accountview") is after


def test_names_are_kept_by_whoever_set_them_over_what_was_proposed(app: Application) -> None:
    assert dict(app.names.current_names().article)["ean"] == "K9_EAN"  # proposed at the start
    app.names.put({"article.ean": None}, make_actor(WHO))
    app.proposals.fill(WHO)

    assert dict(app.names.current_names().article)["ean"] == ""
    assert dict(app.names.current_names().article)["colour"] == "K9_COLOUR"
    last_event = [event for event in stores_in(app).events.waiting(1000) if event["key"] == "sandbox-names"][-1]
    assert (last_event["event"], str(WHO) in str(last_event["facts"])) == ("setting_changed", True)


@pytest.mark.parametrize(
    ("path", "value", "setting"),
    [
        ("debtor.number", "", "debtor.number"),
        ("order_reference_field", "", "order_reference_field"),
        ("article.name", "TWO WORDS", "article.name"),
        ("conditions", "1000", "conditions"),
        ("page_strategy", "both", "page_strategy"),
        ("warehouses.quantity", "", "warehouses"),
        ("objects.trade_invoices.code", "K9F", "objects"),
        ("article.colour_of_eyes", "EYES", "article.colour_of_eyes"),
        ("url", "https://elsewhere.example", "url"),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_name(app: Application, path: str, value: str, setting: str) -> None:
    before = flat(app.names.current_names())
    with pytest.raises(ConfigurationError) as caught:
        app.names.put({path: value}, make_actor(WHO))

    assert caught.value.facts["setting"] == setting
    assert flat(app.names.current_names()) == before


def test_what_must_not_be_empty_is_known_before_it_is_refused() -> None:
    assert {"debtor.number", "order_reference_field", "trade_invoice.reference", "conditions"} <= REQUIRED_NAMES
    assert "debtor.email" not in REQUIRED_NAMES


def test_other_objects_of_postings_are_set_by_their_codes(app: Application) -> None:
    app.names.put({"objects.posting_history": "DJ2P, GJ1"}, make_actor(WHO))
    (first, second) = app.names.current_names().objects.posting_history

    assert (first.code, first.table, first.detail, second.code) == ("DJ2P", "DJ_PAGE", "DJ_LINE", "GJ1")
    assert name_of(app, "objects.posting_history").availability is Availability.PRESENT


def test_names_of_the_sandbox_are_not_those_of_a_real_installation(app: Application) -> None:
    app.names.put({"article.ean": "K9_TEXT"}, make_actor(WHO))

    assert stores_in(app).settings.get("sandbox-names")
    assert stores_in(app).settings.get("names") is None


# ---- what the flows need


def test_the_check_names_what_a_flow_lacks_and_the_connection_is_well(app: Application) -> None:
    app.names.put({"objects.debtors.code": "ZZ9"}, make_actor(WHO))
    lines = {finding.name: finding for finding in app.connections.check("accountview")}

    assert (lines["flow_customers"].ok, lines["flow_customers"].cause) == (False, "object_missing")
    assert (lines["flow_orders"].facts["object"], lines["flow_orders"].facts["flow"]) == ("ZZ9", "orders")
    assert lines["flow_stock"].ok
    assert app.connections.are_working()["accountview"]


def test_the_check_looks_at_the_place_documents_go_to(app: Application) -> None:
    app.names.put(INVOICES, make_actor(WHO))
    app.flows.change("orders", {"orders": "invoice"}, make_actor(WHO))
    try:
        app.names.put({"trade_invoice.reference": "COMMENT9"}, make_actor(WHO))
        (line,) = [finding for finding in app.connections.check("accountview") if finding.name == "flow_orders"]
        assert (line.cause, line.facts["field"]) == ("flow_field_unknown", "COMMENT9")
    finally:
        app.flows.change("orders", {"orders": "order"}, make_actor(WHO))


def test_the_check_names_every_field_that_rules_filters_and_settings_use_and_nobody_has(app: Application) -> None:
    published = app.mappings.published("products")
    rules = [
        replace(rule, source="K9_TYPO") if rule.target == "article.ean" else rule for rule in published.mapping.rules
    ]
    app.mappings.publish("products", Mapping(1, tuple(rules)), published.version, make_actor(WHO), "")
    filters = [{"field": "blocked", "operator": "empty"}, {"field": "nosuch", "operator": "equal", "value": "x"}]
    wrong = {"sku_rule": "field", "sku_field": "K9_NOPE", "parent_field": "K9_NIET", "filters": filters}
    app.flows.change("products", wrong, make_actor(WHO))
    app.flows.change(
        "stock", {"branches": {"1": "warehouse:9", "2": "formula"}, "reorder": "short_text"}, make_actor(WHO)
    )
    try:
        lines = [finding for finding in app.connections.check("accountview") if not finding.ok]
    finally:
        app.mappings.publish(
            "products", published.mapping, app.mappings.published("products").version, make_actor(WHO), ""
        )
        app.flows.change(
            "products", {"sku_rule": "code", "sku_field": "", "parent_field": "parent", "filters": []}, make_actor(WHO)
        )
        app.flows.change("stock", {"branches": {}, "reorder": ""}, make_actor(WHO))

    shared_facts = {"system", "flow", "field"}
    assert [
        (
            finding.name,
            finding.facts["field"],
            finding.cause,
            *(fact for name, fact in finding.facts.items() if name not in shared_facts),
        )
        for finding in lines
    ] == [
        ("flow_products", "K9_TYPO", "rule_field_unknown", "article.ean"),
        ("flow_products", "nosuch", "filter_field_unknown", "2"),
        ("flow_products", "K9_NOPE", "setting_field_unknown", "sku_field"),
        ("flow_products", "K9_NIET", "setting_field_unknown", "parent_field"),
        ("flow_stock", "warehouse:9", "setting_field_unknown", "stock_branches"),
        ("flow_stock", "short_text", "setting_field_unknown", "reorder"),  # ours, and without a column here
    ]
    assert app.connections.are_working()["accountview"]


def test_a_rule_that_fills_a_field_the_books_do_not_have_is_named(app: Application) -> None:
    published = app.mappings.published("orders")
    typo = Rule(target="sales_order.K9_TYPO", source="reference")
    unused = Rule(target="posting.K9_TYPO", source="reference")  # of documents this flow does not make
    mapping = Mapping(1, (*published.mapping.rules, typo, unused))
    app.mappings.publish("orders", mapping, published.version, make_actor(WHO), "")
    try:
        (line,) = [finding for finding in app.connections.check("accountview") if not finding.ok]
    finally:
        app.mappings.publish("orders", published.mapping, app.mappings.published("orders").version, make_actor(WHO), "")

    assert (line.name, line.cause, line.facts["target"]) == ("flow_orders", "rule_field_unknown", "sales_order.K9_TYPO")


def test_a_default_column_that_is_absent_is_named_once_a_published_rule_reads_it(tmp_path: Path) -> None:
    with (
        running(articles=60, renamed={"ARTICLE.VAT_CODE": "BTW"}) as other,
        open_application(tmp_path, start=False, accountview=books_access(other)) as app,
    ):
        lines = [finding for finding in app.connections.check("accountview") if not finding.ok]
        assert [
            (finding.name, finding.cause, finding.facts["field"], finding.facts["target"]) for finding in lines
        ] == [("flow_products", "rule_field_unknown", "VAT_CODE", "article.vat_code")]

        app.names.put({"article.vat_code": ""}, make_actor(WHO))  # somebody says that there is none
        assert all(finding.ok for finding in app.connections.check("accountview"))


@pytest.mark.parametrize(
    ("name", "flow"),
    [("objects.vat.code", "products"), ("warehouses.object", "stock"), ("objects.groups.code", "products")],
)
def test_an_object_that_is_missing_is_named_with_the_first_flow_that_needs_it(
    app: Application, name: str, flow: str
) -> None:
    reported_findings: list[Finding] = []
    app.names.put({name: "ZZ9"}, make_actor(WHO))
    findings = app.connections.check("accountview", reported_findings.extend)
    wrong = next(finding for finding in findings if finding.name == "rights" and not finding.ok)

    assert (wrong.facts["object"], wrong.facts["flow"]) == ("ZZ9", flow)
    assert [finding.name for finding in reported_findings]


def test_what_the_flows_lack_is_reported_beside_the_fields_that_the_check_misses(app: Application) -> None:
    app.names.put({"article.ean": "K9_NIX", "group.name": "AG_NAAM", "sales_order.note": "K1_NOTE"}, make_actor(WHO))
    wrong = [finding for finding in app.connections.check("accountview") if not finding.ok]

    assert [(finding.name, finding.facts["field"]) for finding in wrong if finding.cause == "flow_field_unknown"] == [
        ("fields", "AG_NAAM"), ("fields", "K9_NIX"), ("flow_stock", "K9_NIX"), ("flow_orders", "K1_NOTE"),
    ]  # fmt: skip
    flows = [finding.facts["flow"] for finding in wrong if finding.cause == "flow_field_unknown"]
    assert flows == ["products", "products", "stock", "orders"]
    assert not app.connections.are_working()["accountview"]


# ---- a file of names


def file_of(folder: Path, text: str) -> AccountViewAccess:
    file = folder / "names.toml"
    file.write_text(text, encoding="utf-8")
    return AccountViewAccess(names=file)


def test_a_file_of_names_wins_and_cannot_be_changed_in_the_console(tmp_path: Path) -> None:
    access = file_of(tmp_path, 'conditions = 7\n[article]\nean = "EAN_CODE"\n')
    with open_application(tmp_path / "data", start=False, accountview=access) as app:
        app.names.put({"article.text": "LONG_TEXT"}, make_actor(WHO))
        names = app.names.current_names()
        fixed = [name.path for named_object in app.names.read().objects for name in named_object.names if name.fixed]
        with pytest.raises(ConfigurationError) as caught:
            app.names.put({"article.ean": "OTHER"}, make_actor(WHO))

    assert (names.conditions, dict(names.article)["ean"], dict(names.article)["text"]) == (7, "EAN_CODE", "LONG_TEXT")
    assert sorted(fixed) == ["article.ean", "conditions"]
    assert caught.value.facts["file"] == FILE


def test_a_file_of_names_is_not_about_the_sandbox(tmp_path: Path) -> None:
    access = file_of(tmp_path, '[article]\nean = "EAN_CODE"\n')
    with open_application(tmp_path / "data", start=False, accountview=access, sandbox=True) as app:
        app.connections.join_sandbox()

        assert dict(app.names.current_names().article)["ean"] == "K9_EAN"


@pytest.mark.parametrize(
    ("text", "setting", "expected"),
    [
        ("[article]\neam = 'X'\n", "article.eam", "a name that exists"),
        ("[article]\nean = 'X Y'\n", "article.ean", "letters, digits and _ alone"),
        ("[article]\nean = 5\n", "article.ean", "text"),
        ("article = 5\n", "article", "a group of values"),
        ("conditions = 0\n", "conditions", "at least 1"),
        ("conditions = 2.5\n", "conditions", "a whole number"),
        ("page_strategy = 'x'\n", "page_strategy", "one of number, last_key"),
        ("[objects.orders]\ncode = 'SO9'\n", "objects.orders.table", "a value"),
        ("url = 'https://elsewhere.example'\n", "url", "a name that exists"),
    ],
)
def test_a_wrong_name_in_a_file_stops_the_start_by_its_path(
    tmp_path: Path, text: str, setting: str, expected: str
) -> None:
    with (
        pytest.raises(ConfigurationError) as caught,
        open_application(tmp_path / "data", accountview=file_of(tmp_path, text)),
    ):
        pass

    assert caught.value.facts["setting"] == f"{FILE} {setting}"
    assert f"Expected: {expected}." in say(caught.value.code, caught.value.facts).do


def test_a_file_of_names_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    for access in (AccountViewAccess(names=tmp_path / "absent.toml"), file_of(tmp_path, "no toml")):
        with pytest.raises(ConfigurationError) as caught, open_application(tmp_path / "data", accountview=access):
            pass
        assert caught.value.facts["setting"] == FILE


def test_the_file_in_the_documentation_is_one() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", (DOCS / "settings.md").read_text(encoding="utf-8"), re.DOTALL)
    names = Names(**tomllib.loads(example))
    documented = set(re.findall(r"`(\w+)`", (DOCS / "settings.md").read_text(encoding="utf-8")))

    assert names.objects.posting_history[0].code == "DJ2P"
    assert set(Names.model_fields) - set(tomllib.loads(example)) <= documented


# ---- what is verified


def test_unverified_names_are_names_that_there_are() -> None:
    assert {f"{group}.{name}" for group, names in UNVERIFIED.items() for name in names} - flat(Names()).keys() == set()


def test_what_the_sandbox_has_by_analogy_alone_is_unverified() -> None:
    """A default name that is only copied from a neighbouring table is known from no program."""
    tables: dict[str, tuple[str, ...]] = {
        "ARTICLE": ("article",), "ART_GRP": ("group",), "DEL_ADDR": ("address",), "SO_HDR": ("sales_order",),
        "SO_LINE": ("sales_order_line",), "HST_AL": ("history",),
    }  # fmt: skip
    defaults: dict[str, Any] = flat(Names())
    assumed = {
        f"{group}.{name}"
        for table, groups in tables.items()
        for group in groups
        for name in type(getattr(Names(), group)).model_fields
        if defaults[f"{group}.{name}"] in {field.name for field in BY_ANALOGY[table]}
    }

    assert assumed - {f"{group}.{name}" for group, names in UNVERIFIED.items() for name in names} == set()
