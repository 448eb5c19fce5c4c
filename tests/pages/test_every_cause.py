"""Every cause of a person has a repair on the page that shows the cause, and the button opens the repair."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from integration.application.application import Application
from integration.core.causes import CAUSES, RepairKind, Responsible
from integration.core.errors import ConfigurationError
from integration.core.issues import CauseGroup, Issue, IssueOccurrence
from integration.flows.registry import FLOWS
from integration.flows.spec import FlowSpec
from integration.services.runs.exceptions import group_address
from integration.words import fact_names
from tests.pages.conftest import Open, press, texts, wait_for_run
from tests.people import make_actor
from tests.stores import stores_in

ARTICLES = 100  # no test here needs more

ON_PREVIEW = "brake_"  # begins the causes that stop a plan, and that are shown with it
AMBIGUOUS = {"candidates": "1001, 1002", "customer": "Jansen"}
QUICK = (
    "sku_not_numeric",
    "debtor_blocked",
    "customer_taken",
    "price_charged_otherwise",
    "customer_missing",
    "day_drawer_account_missing",
    "day_document_apart",
)
TRIES = (RepairKind.SYSTEM, RepairKind.AGAIN)
SPECIAL = {  # facts that have to be of a kind
    "field_conflict": {
        "kind": "product", "field": "name", "path": "name", "record": "1001", "mark": "m",
        "agreed_value": "a", "source_value": "b", "target_value": "c",
        "agreed_json": '"a"', "source_json": '"b"', "target_json": '"c"',
    },
    "flow_setting_invalid": {"flow": "products", "setting": "sku_rule"},
    "value_unmapped": {"table": "vat_codes", "value": "9"},
    "day_drawer_account_missing": {"setting": "banked_account"},
}  # fmt: skip


def has_place(spec: FlowSpec, code: str) -> bool:
    """Return True if a flow has the setting or table that repairs a cause."""
    repair = spec.repair_of(code)
    if repair.tab in ("settings", "tables"):
        name = SPECIAL.get(code, {}).get("setting" if repair.tab == "settings" else "table", "")
        return spec.has_place(replace(repair, name=repair.name or name))
    return repair.by is not RepairKind.CHOICE or repair.kind is not None


def is_met(flow: str, code: str) -> bool:
    """Return True if a flow may meet a cause: causes of a day belong to the flow of days only."""
    return flow == "days" or not code.startswith("day_")


def cases() -> Iterator[object]:
    """Yield every cause a person acts on and that is met in a record, with the first flow that repairs it."""
    for code, cause in CAUSES.items():
        if cause.who is Responsible.NOBODY or code.startswith(ON_PREVIEW):
            continue
        flow = next((name for name, spec in FLOWS.items() if has_place(spec, code) and is_met(name, code)), "")
        marks = () if code in QUICK else pytest.mark.long
        if flow and (FLOWS[flow].repair_of(code).by or FLOWS[flow].repair_of(code).tab):
            yield pytest.param(code, flow, id=code, marks=marks)


def meet_cause(app: Application, flow: str, code: str, **more: str) -> CauseGroup:
    """Open an issue with this cause, and return its group."""
    facts = dict.fromkeys({*fact_names(code), *CAUSES[code].grouping_facts}, "1") | {
        "key": "1",
        "system": FLOWS[flow].flow.target,
    }
    facts |= AMBIGUOUS if code == "customer_ambiguous" else {}
    issue = Issue(code, "1", facts.get("field", "name"), facts | SPECIAL.get(code, {}) | more)
    stores_in(app).issues.store_check_result(
        flow, ["1"], (code,), [IssueOccurrence(issue, str(FLOWS[flow].flow.counted_stage.source), "Jansen")]
    )
    return next(group for group in app.exceptions.groups(flow) if group.cause == code)


def keys(test: AppTest) -> list[str]:
    return [str(button.key) for button in test.button]


def is_primary(test: AppTest, key: str) -> bool:
    return test.button(key=key).proto.type == "primary"


@pytest.fixture(autouse=True)
def no_issue_stays(connected_application: Application) -> Iterator[None]:
    yield
    for flow in FLOWS:
        stores_in(connected_application).issues.store_check_result(flow, ["1"], tuple(CAUSES), [])


@pytest.mark.parametrize(("code", "flow"), list(cases()))
def test_a_cause_has_a_repair_that_leads_to_what_repairs_it(
    connected_application: Application, open_page: Open, code: str, flow: str
) -> None:
    group = meet_cause(connected_application, flow, code)
    test = open_page("exceptions", cause=group_address(group.group_key))
    assert not test.exception
    offered = keys(test)
    repair = FLOWS[flow].repair_of(code)
    actions = {
        RepairKind.ROW: "add_row", RepairKind.ARTICLES: "use_articles", RepairKind.CHOICE: "choose_customer",
        RepairKind.CONFLICT: "decide",
        RepairKind.DECISION: "decide", RepairKind.PROOF: "ask_again", RepairKind.DAY: "to_day",
        RepairKind.FLOW: "book_first", RepairKind.ROWS: "add_rows",
    }  # fmt: skip
    if repair.by in actions:
        assert actions[repair.by] in offered
        assert is_primary(test, actions[repair.by])
    elif repair.by is RepairKind.SYSTEM and CAUSES[code].apart:
        assert "again" not in offered, "only the look that found it closes it"
    elif repair.by in TRIES:
        assert is_primary(test, "again"), "what was put right in a system is tried again"
    else:
        assert {"to_setting", "again", "correct"} & set(offered)
    if "again" in offered and repair.by not in (RepairKind.DOUBT, *TRIES):
        assert not is_primary(test, "again"), "what is tried as it was helps nobody"
    if "to_setting" not in offered:
        return

    test = press(test, "to_setting")
    assert not test.exception
    if repair.tab in ("settings", "brakes"):
        assert "Fix here" in texts(test)
    test = press(test, "back_to_cause")
    assert not test.exception
    assert f"close-{group_address(group.group_key)}" in keys(test), "the cause is open again"


def test_a_repair_names_the_button_of_its_card_with_its_number(
    connected_application: Application, open_page: Open
) -> None:
    group = meet_cause(connected_application, "orders", "debtor_blocked")

    test = open_page("exceptions", cause=group_address(group.group_key))

    assert test.button(key="again").label == "Try this one again"
    assert "Then click “Try this one again”." in texts(test)


def test_a_price_that_is_right_by_now_is_closed_by_asking_the_till_again(
    connected_application: Application, open_page: Open
) -> None:
    group = meet_cause(connected_application, "customers", "price_charged_otherwise")

    test = press(open_page("exceptions", cause=group_address(group.group_key)), "ask_again")

    assert not test.exception
    assert connected_application.exceptions.group(group.group_key) is None


def test_a_default_debtor_is_chosen_from_those_of_the_books_and_a_missing_debtor_is_never_stored(
    connected_application: Application, open_page: Open
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        connected_application.flows.change(
            "orders", {"default_debtor": "fallback", "debtor_number": "987654"}, make_actor("test")
        )
    assert (refused.value.facts["setting"], refused.value.facts["number"]) == ("debtor_number", "987654")

    test = open_page("flows", flow="orders", tab="settings")
    test.selectbox(key="orders-shipping-0").set_value("field")
    test = test.selectbox(key="orders-default_debtor-0").set_value("fallback").run()
    assert all("%) · AccountView" in option for option in test.selectbox(key="orders-shipping_vat_code-0").options[1:])
    test.selectbox(key="orders-shipping-0").set_value("line")
    field = test.selectbox(key="orders-debtor_number-0")
    choice = next(option for option in field.options if "·" in option)
    press(field.set_value(choice.partition(" · ")[0]).run(), "save")

    assert connected_application.flows.settings("orders").model_dump()["debtor_number"] == choice.partition(" · ")[0]
    connected_application.flows.change("orders", {"default_debtor": "off", "debtor_number": ""}, make_actor("test"))


def test_debtors_of_branches_and_countries_are_chosen_like_the_default_one_and_checked_too(
    connected_application: Application, open_page: Open
) -> None:
    for name, code in (("default_debtors_by_branch", "2"), ("default_debtors_by_country", "BE")):
        with pytest.raises(ConfigurationError) as refused:
            connected_application.flows.change(
                "orders", {"default_debtor": "fallback", name: {code: "987654"}}, make_actor("test")
            )
        assert (refused.value.facts["setting"], refused.value.facts["number"]) == (name, "987654")

    test = open_page("flows", flow="orders", tab="settings")
    test = test.selectbox(key="orders-default_debtor-0").set_value("fallback").run()
    branch = test.selectbox(key="orders-default_debtors_by_branch-2-0")
    number = next(option for option in branch.options if "·" in option).partition(" · ")[0]
    test = branch.set_value(number).run()
    test = test.selectbox(key="orders-default_debtors_by_country-add-0").set_value("BE").run()
    press(test.selectbox(key="orders-default_debtors_by_country-BE-0").set_value(number).run(), "save")

    settings = connected_application.flows.settings("orders").model_dump()
    assert (settings["default_debtors_by_branch"], settings["default_debtors_by_country"]) == (
        {"2": number},
        {"BE": number},
    )
    nobody: dict[str, dict[str, str]] = {"default_debtors_by_branch": {}, "default_debtors_by_country": {}}
    connected_application.flows.change("orders", {"default_debtor": "off", **nobody}, make_actor("test"))


def test_codes_of_a_cause_stand_with_their_captions_and_an_article_with_its_name(
    connected_application: Application, open_page: Open
) -> None:
    meet_cause(connected_application, "orders", "branch_missing", branch="2")
    meet_cause(connected_application, "products", "price_missing", article="1")

    page_text = texts(open_page("exceptions"))

    assert "2 · De Ketting Amersfoort" in page_text
    assert "1 · Jansen" in page_text


def test_a_row_that_a_cause_asks_for_is_added_and_its_record_previewed(
    connected_application: Application, open_page: Open
) -> None:
    group = meet_cause(connected_application, "orders", "payment_method_unmapped", method="PIN")
    test = open_page("exceptions", cause=group_address(group.group_key))
    test = press(test.selectbox(key="counterpart").set_value("14").run(), "add_row")

    assert not test.exception
    assert connected_application.rules.tables().get("payment_terms", {}).get("PIN") == "14", texts(test)
    wait_for_run(connected_application, connected_application.runs.latest("orders", limit=1)[0].id)
