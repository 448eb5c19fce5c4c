"""Settings of a flow: filters, fields, value tables, schedule and brakes."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from integration.accounts.loosening import flat_values
from integration.application.application import Application
from integration.core.change_request import ChangeRequest
from integration.core.errors import PlanStaleError
from integration.core.flow import Ownership
from integration.core.links import Link
from integration.core.people import Right
from integration.core.plan import Approval
from integration.core.records import Kind
from integration.core.rules import Mapping, Rule
from integration.core.run import Mode
from tests.pages.conftest import Open, press, preview_products, texts, wait_for_run
from tests.people import make_actor
from tests.stores import sandbox_of, stores_in

ARTICLES = 100  # some of which lack each code
TABS = ["settings", "filters", "fields", "tables", "schedule", "brakes"]


@pytest.mark.usefixtures("connected_application")
@pytest.mark.parametrize("tab", TABS)
def test_every_tab_opens_and_has_nothing_to_save(open_page: Open, tab: str) -> None:
    test = open_page("flows", tab=tab)

    assert not test.exception
    assert "Save changes" not in texts(test)


def test_a_flow_runs_between_two_times_on_some_days_and_says_so(
    connected_application: Application, open_page: Open
) -> None:
    test = open_page("flows", tab="schedule", flow="stock")
    test = test.number_input(key="stock-schedule_minutes-0").set_value(45).run()
    test = test.time_input(key="stock-calendar.begins-0").set_value(time(7)).run()
    test = test.time_input(key="stock-calendar.ends-0").set_value(time(22)).run()
    test = test.button_group(key="stock-calendar.weekdays-en-0").set_value([0, 1, 2, 3, 4, 5]).run()
    test = test.selectbox(key="stock-calendar.skipped_holidays-0").set_value("BE").run()
    assert "Every 45 minutes between 07:00 and 22:00, not on Sundays and holidays (Belgium)" in texts(test)

    test = press(test, "save")

    assert not test.exception
    table = connected_application.flows.settings("stock").timetable
    assert (table.every, table.begins, table.ends, table.skipped_holidays) == (45, time(7), time(22), "BE")
    assert table.weekdays == frozenset(range(6))
    connected_application.flows.change("stock", {"schedule_minutes": 5, "calendar": {}}, make_actor("test"))


def test_changes_of_several_tabs_are_saved_with_one_button(connected_application: Application, open_page: Open) -> None:
    test = open_page("flows", tab="settings")
    test = test.radio(key="products-sku_rule-0").set_value("allotted").run()
    assert "1 setting changed, not saved yet" in texts(test)
    test = test.button_group(key="_tab").set_value("schedule").run()
    test = test.number_input(key="products-schedule_minutes-0").set_value(12).run()
    assert "2 settings changed, not saved yet" in texts(test)

    test = press(test, "save")

    assert not test.exception
    assert connected_application.flows.settings("products").model_dump()["sku_rule"] == "allotted"
    assert connected_application.flows.settings("products").schedule_minutes == 12
    assert "not saved yet" not in texts(test)
    connected_application.flows.change("products", {"sku_rule": "code", "schedule_minutes": 5}, make_actor("test"))


def press_and_leave(test: AppTest, key: str) -> None:
    """Press a button and be on another page before the answer to it is drawn."""
    test.button(key=key).click()
    test.switch_page("pages/runs.py").run()
    assert not test.exception


def test_what_is_saved_is_kept_where_the_page_is_left_before_it_is_drawn_anew(
    connected_application: Application, open_page: Open
) -> None:
    test = open_page("flows", tab="settings")
    press_and_leave(test.selectbox(key="products-zero_price-0").set_value("park").run(), "save")
    assert connected_application.flows.settings("products").model_dump()["zero_price"] == "park"
    connected_application.flows.change("products", {"zero_price": "send"}, make_actor("test"))

    table = connected_application.rules.tables()["vat_codes"]
    test = open_page("flows", tab="tables")
    press_and_leave(next(selectbox for selectbox in test.selectbox).set_value("1").run(), "save_table")
    assert "1" in {
        other for code, other in connected_application.rules.tables()["vat_codes"].items() if table.get(code) != other
    }
    connected_application.rules.set_table("vat_codes", table, "test")


def test_what_is_entered_last_is_saved_with_what_the_form_had_taken_in(
    connected_application: Application, open_page: Open
) -> None:
    test = open_page("flows", tab="settings")
    test = test.selectbox(key="products-zero_price-0").set_value("park").run()
    test.number_input(key="products-decimals-0").set_value(1)

    test = press(test, "save")

    now = connected_application.flows.settings("products").model_dump()
    assert (now["zero_price"], now["decimals"]) == ("park", 1)
    assert "not saved yet" not in texts(test)
    connected_application.flows.change("products", {"zero_price": "send", "decimals": 2}, make_actor("test"))


def test_discarded_changes_leave_the_settings_as_they_are(connected_application: Application, open_page: Open) -> None:
    test = open_page("flows", tab="settings")
    test = test.selectbox(key="products-zero_price-0").set_value("park").run()

    test = press(test, "discard_changes")

    assert test.selectbox(key="products-zero_price-1").value == "send"
    assert connected_application.flows.settings("products").model_dump()["zero_price"] == "send"


def test_who_changes_what_orders_become_is_told_how_many_sales_stay_what_they_are(
    connected_application: Application, open_page: Open
) -> None:
    keys = ("order-1", "order-2", "order-2#credit", "order-2#2")  # taken back and booked again is one sale
    stores_in(connected_application).links.keep("orders", [Link(Kind.SALES_ORDER, key, f"70{key}") for key in keys])
    test = open_page("flows", tab="settings", flow="orders")
    assert "they stay so" not in texts(test)

    test = test.selectbox(key="orders-orders-0").set_value("posting").run()

    assert "2 sales are booked as sales orders or trade invoices; this does not change." in texts(test)


def test_a_number_from_a_field_needs_the_field(connected_application: Application, open_page: Open) -> None:
    test = open_page("flows", tab="settings")
    test = test.radio(key="products-sku_rule-0").set_value("field").run()

    test = press(test, "save")

    assert "Choose the field that holds the number" in texts(test)
    assert connected_application.flows.settings("products").model_dump()["sku_rule"] == "code"


def test_a_flow_that_is_on_says_when_it_runs_next(connected_application: Application, open_page: Open) -> None:
    test = open_page("flows", tab="schedule")
    test = press(test.toggle(key="products-on-0").set_value(True).run(), "save")

    assert "Next run:" in texts(test)
    assert connected_application.flows.statuses()[0].next_run is not None
    connected_application.flows.change("products", {"on": False}, make_actor("test"))


def test_a_brake_is_switched_off_only_with_a_reason_and_the_log_keeps_it(
    connected_application: Application, open_page: Open
) -> None:
    test = open_page("flows", tab="brakes")
    test = test.toggle(key="products-brake-price_percent-on-0").set_value(False).run()
    test = press(test, "save")
    assert "Enter a reason" in texts(test)
    assert connected_application.flows.settings("products").limits["price_percent"] == Decimal(25)

    test = test.text_input(key="products-brake-price_percent-reason-0").set_value("Summer sale").run()
    press(test, "save")

    assert connected_application.flows.settings("products").limits["price_percent"] is None
    connected_application.log.catch_up()
    events = connected_application.log.ask("select facts from events where event = 'brake_switched_off'")
    assert "Summer sale" in str(events["facts"][0])
    connected_application.flows.change("products", {"brakes": {"price_percent": "25"}}, make_actor("test"))


def test_filters_show_how_many_are_in_and_out_with_the_reason(
    connected_application: Application, open_page: Open
) -> None:
    test = press(open_page("flows", tab="filters"), "add_filter")
    test = test.text_input(key="products-filter-0-value-1").set_value("O-BAN").run()

    test = press(test, "sift")

    assert not test.exception
    numbers = {metric.label: int(metric.value) for metric in test.metric}
    assert numbers["Take part"] + numbers["Left out"] == ARTICLES
    assert numbers["Take part"] > 0
    reasons = test.dataframe[0].value["reason"]
    assert reasons.str.contains("excluded by a filter").any()
    assert connected_application.flows.settings("products").filters == ()


def test_the_fields_show_why_an_article_has_its_values(connected_application: Application, open_page: Open) -> None:
    code = next(
        row.key
        for row in connected_application.plans.rows(preview_products(connected_application).id, "create", limit=400)
        if row.key.isdigit()
    )
    test = open_page("flows", tab="fields")
    test.text_input(key="why_code").set_value(code)

    test = press(test, "why_show")

    assert not test.exception
    assert "VAT code" in set(test.dataframe[-1].value.iloc[:, 0])


def test_an_added_field_is_published_as_a_new_version_and_older_plans_are_refused(
    connected_application: Application, open_page: Open
) -> None:
    run, before = preview_products(connected_application), connected_application.mappings.published("products")
    test = open_page("flows", tab="fields")
    test.selectbox(key="add_target").set_value("article.custom:herkomst")
    test.selectbox(key="add_source").set_value("K9_ORIGIN")
    test = press(test, "add_field")
    assert "1 field changed" in texts(test)

    test = press(test, "publish")

    assert not test.exception
    after = connected_application.mappings.published("products")
    assert after.version == before.version + 1
    assert after.mapping.rules[-1] == Rule(target="article.custom:herkomst", source="K9_ORIGIN")
    with pytest.raises(PlanStaleError, match="mapping_published_since"):
        connected_application.runs.commit(run.id, Approval(run.fingerprint, "test"))
    connected_application.runs.discard(run.id, "test")
    connected_application.mappings.publish("products", before.mapping, after.version, make_actor("test"), "as it was")


def test_two_people_cannot_publish_over_each_other(connected_application: Application) -> None:
    before = connected_application.mappings.published("products")
    rules = tuple(
        Rule(target=rule.target, source=rule.source, ownership=Ownership.NEVER) for rule in before.mapping.rules[:1]
    )
    connected_application.mappings.publish("products", before.mapping, before.version, make_actor("anna"), "the same")

    with pytest.raises(PlanStaleError):
        connected_application.mappings.publish(
            "products", Mapping(1, rules), before.version, make_actor("ben"), "over it"
        )


def test_a_missing_vat_code_is_listed_first_and_gets_its_counterpart(
    connected_application: Application, open_page: Open
) -> None:
    table = connected_application.rules.tables()["vat_codes"]
    connected_application.rules.set_table(
        "vat_codes", {code: other for code, other in table.items() if code != "2"}, "test"
    )
    connected_application.runs.discard(preview_products(connected_application).id, "test")
    parked = connected_application.exceptions.unmapped("products", "vat_codes")["2"]
    test = open_page("flows", tab="tables")
    assert f"Try these {parked} again" in texts(test)
    first = next(selectbox for selectbox in test.selectbox)
    assert first.label.split()[0] == "2"

    test = press(first.set_value(table["2"]).run(), "save_table")

    assert connected_application.rules.tables()["vat_codes"] == table
    press(test, "again-vat_codes-vat_code_unmapped")
    run = connected_application.runs.latest(limit=1)[0]
    assert (run.mode, wait_for_run(connected_application, run.id).counts.read_count) == (Mode.CHOSEN, parked)
    assert connected_application.exceptions.unmapped("products", "vat_codes") == {}
    connected_application.runs.discard(run.id, "test")


def test_a_code_that_nobody_uses_yet_can_be_typed_beside_those_in_use(
    connected_application: Application, open_page: Open
) -> None:
    debtor = str(sandbox_of(connected_application).state("CONTACT")[0]["SUB_NR"])
    sandbox_of(connected_application).accountview.edit("CONTACT", debtor, {"SHIP_MTH": "POST"})
    test = open_page("flows", flow="orders", tab="tables", table="shipping_methods")
    fields = [selectbox for selectbox in test.selectbox if "POST" in selectbox.options]
    assert fields
    assert all(selectbox.proto.accept_new_options for selectbox in fields)

    press(fields[0].set_value("POST").run(), "save_table")

    ((key, other),) = connected_application.rules.tables()["shipping_methods"].items()
    assert other == "POST"
    connected_application.tables.save("shipping_methods", {key: "KOERIER"}, make_actor("test"))
    test = open_page("flows", flow="orders", tab="tables", table="shipping_methods")
    assert "KOERIER" in [selectbox.value for selectbox in test.selectbox]
    assert "is not a row" not in texts(test)
    connected_application.rules.set_table("shipping_methods", {}, "test")


def test_what_stands_in_for_an_article_of_the_till_is_chosen_on_both_sides(
    connected_application: Application, open_page: Open
) -> None:
    connected_application.rules.set_table("articles", {}, "test")
    test = open_page("flows", flow="orders", tab="tables", table="articles")
    own = next(selectbox for selectbox in test.selectbox if selectbox.label.startswith("9900002"))
    assert "Reparatie per uur" in own.label
    code = next(option for option in own.options if option and "·" in option)

    press(own.set_value(code.partition(" · ")[0]).run(), "save_table")

    assert connected_application.rules.tables()["articles"] == {"9900002": code.partition(" · ")[0]}
    connected_application.rules.set_table("articles", {}, "test")


def test_price_groups_of_new_customers_are_chosen_from_those_of_the_till(
    connected_application: Application, open_page: Open
) -> None:
    groups = connected_application.lists.captions("mplus", "price_groups")
    test = open_page("flows", flow="customers", tab="settings")
    field = next(
        selectbox for selectbox in test.selectbox if str(selectbox.key).startswith("customers-default_price_group")
    )
    assert [option.partition(" · ")[0] for option in field.options[1:]] == list(groups)

    test = press(field.set_value(next(iter(groups))).run(), "save")

    assert not test.exception
    assert connected_application.flows.settings("customers").model_dump()["default_price_group"] == next(iter(groups))
    connected_application.flows.change("customers", {"default_price_group": ""}, make_actor("test"))


def test_a_parked_line_leads_to_its_setting_and_can_be_tried_again(
    connected_application: Application, open_page: Open
) -> None:
    run = preview_products(connected_application)
    rows = connected_application.plans.rows(run.id, "park")
    lacking = next(line for line in rows if line.cause == "vat_code_missing")
    page_text = texts(open_page("preview", plan=run.id, show="park", record=str(lacking.seq)))
    assert f"Article {lacking.key} · {lacking.title} has no VAT code in AccountView" in page_text
    assert f"To correct in AccountView: article {lacking.key}, field BTW-code (VAT_CODE)" in page_text
    row = next(line for line in rows if line.cause == "sku_leading_zero")
    test = open_page("preview", plan=run.id, show="park", record=str(row.seq))
    assert "Open the setting" in texts(test)

    press(test, "again-line")

    repeated_run = wait_for_run(connected_application, connected_application.runs.latest(limit=1)[0].id)
    assert repeated_run.mode is Mode.CHOSEN
    assert (
        repeated_run.counts.parked
        == repeated_run.counts.read_count
        == len(connected_application.exceptions.keys("products", "sku_leading_zero"))
    )


def test_a_change_that_waits_for_a_second_person_stands_on_its_flow_and_on_the_overview(
    connected_application: Application, open_page: Open
) -> None:
    now = datetime.now(UTC)
    after = {"brakes.changes": 900, "auto_approve": True, "schedule_minutes": 45}
    request = ChangeRequest(
        setting="flow:stock", flow="stock", right=Right.ARRANGE, after=after, by="anna", session="s", at=now,
        before=flat_values(connected_application.flows.settings("stock"), after), until=now + timedelta(days=1),
    )  # fmt: skip
    stores_in(connected_application).change_requests.keep(request)
    assert "A change of settings waits for a second person" in texts(open_page("overview"))
    test = open_page("flows", flow="stock")
    assert not test.exception
    assert all(word in str(test.table[0].value) for word in ("900", "Every 45 minutes", "Every 5 minutes", "500"))

    test = press(test, "btn_change_approve-flow:stock")

    assert not test.exception
    settings = connected_application.flows.settings("stock")
    assert (settings.limits["changes"], settings.auto_approve, settings.schedule_minutes) == (900, True, 45)
    assert connected_application.change_requests.waiting() == []
    usual = {"brakes": {}, "auto_approve": False, "schedule_minutes": 5}
    connected_application.flows.change("stock", usual, make_actor("test"))
