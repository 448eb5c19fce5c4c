"""The names of objects and fields in AccountView, on the page of the set-up and where a flow depends on them."""

from collections.abc import Iterator

import pytest
import stamina
from streamlit.testing.v1 import AppTest

from integration.application.application import Application
from integration.core.records import Kind
from integration.core.run import Mode, PreviewRequest
from integration.sandbox.faults import Fault
from integration.services.systems.objects import flat
from pages.components.shared.wording import plain
from tests.pages.conftest import Open, press, texts, wait_for_run
from tests.people import make_actor
from tests.stores import sandbox_of

INVOICES = {
    "objects.trade_invoices.code": "K9F", "objects.trade_invoices.table": "K9_INV",
    "objects.trade_invoices.detail": "K9_INVL",
}  # fmt: skip


@pytest.fixture
def app(connected_application: Application) -> Iterator[Application]:
    """A console on the sandbox, with its names as they were put back afterwards."""
    before = flat(connected_application.names.current_names())
    yield connected_application
    now = flat(connected_application.names.current_names())
    if changed := {path: before[path] for path in now if now[path] != before[path]}:
        connected_application.names.put(changed, make_actor("test"))
        connected_application.connections.check("accountview")


def open_names(open_page: Open, name: str) -> AppTest:
    """Return the set-up with the names of one object open."""
    return open_page("setup", step="accountview", names="true", object=name)


def field(test: AppTest, path: str) -> str:
    """Return the key of the field for a name, as long as nothing was saved or put back."""
    return next(str(selectbox.key) for selectbox in test.selectbox if str(selectbox.key).startswith(f"{path}-"))


def test_the_names_are_folded_and_nothing_is_read_for_them(app: Application, open_page: Open) -> None:
    assert app.sandbox
    before = len(sandbox_of(app).ledger.calls(system="accountview"))
    test = open_page("setup", step="accountview")

    assert "Names in this AccountView" in [fold.label for fold in test.expander]
    assert not [selectbox for selectbox in test.selectbox if str(selectbox.key).startswith("article.")]
    assert len(sandbox_of(app).ledger.calls(system="accountview")) == before


def test_every_field_shows_what_it_is_called_its_default_and_whether_that_is_verified(
    app: Application, open_page: Open
) -> None:
    test = open_names(open_page, "orders")
    page_text = texts(test)

    assert test.selectbox(key=field(test, "sales_order.gross")).value == "GROSS_FLG"
    assert "GROSS_FLG · Basisbedrag incl BTW weergeven" in test.selectbox(key=field(test, "sales_order.gross")).options
    assert "○ unverified" in page_text.lower()
    assert "no installation is known so far" in page_text
    assert "Missing · ○ unverified" in page_text  # the ledger account of a line
    assert "Used by: Orders" in page_text
    assert dict(app.names.current_names().sales_order)["gross"] == "GROSS_FLG"


@pytest.mark.long
def test_pages_for_a_day_have_names_of_their_own_in_the_object_of_postings(app: Application, open_page: Open) -> None:
    test = open_names(open_page, "postings")
    page_text = texts(test)

    assert (
        page_text.index("Fields of the lines")
        < page_text.index("Fields of a page for a day")
        < page_text.index("of its lines")
    )
    assert dict(app.names.current_names().day_page)["concept"] == "NO_POST"
    assert test.selectbox(key=field(test, "day_page.concept")).value == "NO_POST"
    assert test.selectbox(key=field(test, "day_page_line.item")).value == "INV_NR"
    assert test.selectbox(key=field(test, "posting.debtor")).value == "SUB_NR"

    ledger = open_names(open_page, "transactions")
    assert ledger.selectbox(key=field(ledger, "transaction.number")).label == "Line number"


def test_a_name_is_chosen_saved_with_what_it_causes_and_checked(app: Application, open_page: Open) -> None:
    test = open_names(open_page, "articles")
    test.selectbox(key=field(test, "article.ean")).select("K9_ORIGIN").run()

    assert "1 name changed, not saved yet" in texts(test)
    assert test.button(key="continue").disabled
    assert test.button(key="save_names").label == "Save 1 name and reconnect"
    assert dict(app.names.current_names().article)["ean"] == "K9_EAN"

    before = app.access.connector("accountview")
    press(test, "save_names")

    assert dict(app.names.current_names().article)["ean"] == "K9_ORIGIN"
    assert app.access.connector("accountview") is not before
    assert app.connections.statuses()[0].ok
    assert "not saved yet" not in texts(test)
    assert not test.button(key="continue").disabled


def test_what_cannot_be_used_is_said_beside_the_button_and_not_saved(app: Application, open_page: Open) -> None:
    test = open_names(open_page, "trade_invoices")
    test.selectbox(key=field(test, "objects.trade_invoices.code")).select("K9F").run()
    press(test, "save_names")

    assert "the table and that of its lines" in texts(test)
    assert app.names.current_names().objects.trade_invoices.code == ""

    press(test, "discard_names")
    assert "not saved yet" not in texts(test)


def test_the_fields_of_a_table_can_be_chosen_before_it_is_saved(app: Application, open_page: Open) -> None:
    test = open_names(open_page, "trade_invoices")
    assert not [text_input for text_input in test.text_input if str(text_input.key).startswith("trade_invoice.")]
    test.selectbox(key=field(test, "objects.trade_invoices.code")).select("K9F").run()
    test.text_input(key="objects.trade_invoices.table-0").input("k9_inv").run()

    assert "INV_NR · Factuurnummer" in test.selectbox(key=field(test, "trade_invoice.invoice_number")).options
    assert app.names.current_names().objects.trade_invoices.code == ""


@pytest.mark.long
def test_the_defaults_come_back_with_one_button(app: Application, open_page: Open) -> None:
    app.names.put({"debtor.email": "MC_MAILB", "debtor.blocked": ""}, make_actor("test"))
    test = open_names(open_page, "debtors")
    press(test, "defaults")
    press(test, "save_names")

    debtor = dict(app.names.current_names().debtor)
    assert (debtor["email"], debtor["blocked"]) == ("MAIL_BUS", "REC_BLK")


@pytest.mark.long
def test_names_can_be_typed_where_the_dictionary_cannot_be_read(app: Application, open_page: Open) -> None:
    assert app.sandbox
    with (
        stamina.set_testing(True, attempts=1),
        sandbox_of(app).switches.armed(Fault.UNAVAILABLE, system="accountview", operation="dictionary"),
    ):
        test = open_names(open_page, "articles")

    assert "cannot be read now" in texts(test)
    test.text_input(key="article.ean-0").input("EAN_CODE").run()
    press(test, "save_names")
    assert dict(app.names.current_names().article)["ean"] == "EAN_CODE"
    assert "flow_field_unknown" in {finding.cause for finding in app.connections.statuses()[0].findings}


def test_what_a_flow_lacks_is_named_by_the_check_and_the_way_on_stays_open(app: Application, open_page: Open) -> None:
    app.names.put({"objects.delivery_addresses.code": "ZZ9"}, make_actor("test"))
    app.connections.check("accountview")
    test = open_page("setup", step="accountview")
    page_text = texts(test) + "".join(str(table.value) for table in test.table)

    assert "AccountView does not offer ZZ9" in page_text
    assert "Needed for orders" in page_text
    assert not test.button(key="continue").disabled


def test_every_missing_field_has_a_line_that_names_it_with_its_flow_and_place(
    app: Application, open_page: Open
) -> None:
    app.names.put({"group.name": "AG_NAAM", "article.ean": "K9_NIX"}, make_actor("test"))
    app.flows.change("products", {"filters": [{"field": "nosuch", "operator": "empty"}]}, make_actor("test"))
    try:
        app.connections.check("accountview")
        test = open_page("setup", step="accountview")
    finally:
        app.flows.change("products", {"filters": []}, make_actor("test"))
    (cells,) = (table.value.iloc[:, 0].to_dict() for table in test.table)

    first, second = cells[":gray[Fields]"].splitlines()

    assert plain("The flow products needs the field AG_NAAM of the table ART_GRP") in first
    assert plain("The flow products needs the field K9_NIX of the table ARTICLE") in second
    assert "The rule for EAN in the flow products" in cells[":gray[Needed for products]"]
    assert "Filter 1 of the flow products uses the field nosuch" in cells[":gray[Needed for products]"]
    assert plain("The flow stock needs the field K9_NIX") in cells[":gray[Needed for stock]"]


# ---- trade invoices on the page of the flows


@pytest.mark.long
def test_trade_invoices_are_offered_once_their_object_is_named(app: Application, open_page: Open) -> None:
    test = open_page("flows", flow="orders")
    becomes = next(selectbox for selectbox in test.selectbox if str(selectbox.key).startswith("orders-orders"))
    assert "Trade invoices" not in becomes.options
    assert "Trade invoices can be chosen once Set-up names the object" in texts(test)

    app.names.put(INVOICES, make_actor("test"))
    test = open_page("flows", flow="orders")
    becomes = next(selectbox for selectbox in test.selectbox if str(selectbox.key).startswith("orders-orders"))
    assert "Trade invoices can be chosen once Set-up names the object" not in texts(test)
    becomes.select("invoice").run()
    press(test, "save")

    assert app.flows.settings("orders").model_dump()["orders"] == "invoice"
    app.flows.change("orders", {"orders": "order"}, make_actor("test"))


@pytest.mark.long
def test_the_way_to_the_object_of_quotations_leads_there_and_offers_its_fields(
    app: Application, open_page: Open
) -> None:
    test = press(open_page("flows", flow="orders"), "name_quotations")
    assert test.query_params["object"] == "quotations"
    assert "a published data model calls the table QT_HDR" in texts(test)

    test = open_names(open_page, "quotations")
    test.selectbox(key=field(test, "objects.quotations.code")).select("K9Q").run()
    test.text_input(key="objects.quotations.table-0").input("K9_QUO").run()
    test.text_input(key="objects.quotations.detail-0").input("K9_QUOL").run()
    assert "K9_REF · Uw aanvraag" in test.selectbox(key=field(test, "quotation.reference")).options
    test.selectbox(key=field(test, "quotation.reference")).select("K9_REF").run()
    press(test, "save_names")
    assert (app.names.current_names().objects.quotations.code, app.names.current_names().quotation.reference) == (
        "K9Q",
        "K9_REF",
    )


@pytest.mark.long
def test_a_plan_calls_what_becomes_a_trade_invoice_so(app: Application, open_page: Open) -> None:
    app.names.put(INVOICES, make_actor("test"))
    app.flows.change("orders", {"orders": "invoice", "collective_article": "9001"}, make_actor("test"))
    run = wait_for_run(app, app.runs.preview(PreviewRequest("orders", make_actor("test"), Mode.COMPLETE)))
    document = next(row for row in app.plans.rows(run.id, "create") if row.kind is Kind.SALES_ORDER)
    test = open_page("preview", flow="orders", plan=run.id, show="create", find=document.title)

    assert f"Trade invoice** · {plain(document.title)}" in "".join(fold.label for fold in test.expander)
    app.runs.discard(run.id, "test")
    app.flows.change("orders", {"orders": "order", "collective_article": ""}, make_actor("test"))


def test_the_link_to_the_object_of_trade_invoices_opens_its_setting(app: Application, open_page: Open) -> None:
    test = press(open_page("flows", flow="orders"), "name_trade_invoices")

    assert app.names.has_object("trade_invoices") is False
    assert test.query_params["object"] == "trade_invoices"
    assert "Without a code none is written" in texts(test)
