"""An office worker fills every value table in German: all is chosen, and nothing is typed but free text."""

import re
from collections.abc import Iterator, Mapping

import pytest
from playwright.sync_api import Browser, Page, expect

from integration.application.application import Application
from integration.sandbox.server import Sandbox
from tests.browser.conftest import at_rest, button, choose, picture, tab
from tests.stores import stores_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A browser in a German office, in which it has become dark."""
    with tab(browser, color_scheme="dark", locale="de-DE") as opened_page:
        yield opened_page


Option = str | re.Pattern[str]


TABLES: Mapping[str, Mapping[str, tuple[Mapping[str, Option], Option, str]]] = {
    "products": {
        "vat_codes": ({"Code": re.compile("^2 · ")}, re.compile("^1 · "), "2"),
        "turnover_groups": (
            {"Artikelgruppe": "KLED · Kleding", "Steuercode": re.compile("^2 · ")}, re.compile("^20 · "),
            "KLED/2",
        ),
    },
    "orders": {
        "vat_codes_sales": (
            {"Land": "Belgien", "Code": re.compile("^2 · "), "USt-IdNr. des Kunden": "mit USt-IdNr."},
            re.compile("^5 · |^3 · "),
            "BE:2:yes",
        ),
        "revenue_accounts": ({"Land": "Frankreich", "Code": re.compile("^1 · ")}, re.compile("^80"), "FR:1"),
        "turnover_accounts_sales": (
            {"Umsatzgruppe": re.compile(r"^\d"), "Steuercode": re.compile("^2 · ")}, re.compile("^80"), "",
        ),
        "payment_terms": ({"Zahlungsart oder Zahlungsziel": "Zahlungsziel 14 Tage"}, re.compile(r"^\w"), "14"),
        "articles": ({"Code": re.compile(r"^\d")}, re.compile(r"^\w"), ""),
        "balance_accounts": ({"Umsatzgruppe": re.compile("^Pfand")}, re.compile("^1"), "packaging_deposit"),
        "shipping_methods": ({"Code": re.compile(r"^\w")}, "POST", ""),
        "salespersons": ({"Code": re.compile(r"^\w")}, "JAN", ""),
        "cost_centres": ({"Code": re.compile(r"^\w")}, re.compile(r"^\w"), ""),
        "price_lists": ({"Code": re.compile(r"^\w")}, "GROOT", ""),
        "countries": ({"Land an der Kasse": re.compile(r"\(AF\)$")}, "Vereinigtes Königreich", "AF"),
    },
    "customers": {"price_groups": ({"Code": "GROOT"}, re.compile(r"^\w"), "GROOT")},
    "days": {
        "day_accounts": (
            {"Umsatzgruppe": re.compile(r"^\d"), "Steuercode": re.compile("^3 · ")}, "8010", ""
        ),
        "method_accounts": ({"Code": re.compile("PIN|CASH")}, re.compile("^1"), ""),
        "purchase_vat_codes": ({"Code": re.compile("^2 · ")}, re.compile("AccountView$"), "2"),
        "day_cost_centres": ({"Umsatzgruppe": "Filiale"}, re.compile(r"^\w"), "@"),
        "day_cost_accounts": ({"Umsatzgruppe": re.compile(r"^\d")}, "7000", ""),
        "day_stock_accounts": ({"Umsatzgruppe": re.compile(r"^\d")}, "3000", ""),
    },
}  # fmt: skip


# Rules that only some shops have, each with a table that no flow uses without one.
RULES = {
    "orders": {"target": "sales_order.price_list", "source": "customer_price_group", "table": "price_lists"},
    "customers": {"target": "relation.price_group", "source": "price_list", "table": "price_groups"},
}


@pytest.fixture(scope="module", autouse=True)
def all_in_use(systems: Sandbox, second_application: Application) -> None:
    """Use every table, and let a debtor have one of each code that the books offer only where it is in use."""
    debtor = str(systems.state("CONTACT")[0]["SUB_NR"])
    systems.accountview.edit("CONTACT", debtor, {"SHIP_MTH": "POST", "EMP_NR": "JAN", "APX_LIST": "GROOT"})
    rules = stores_in(second_application).rules
    for flow, rule in RULES.items():
        _, body = rules.published(flow) or (0, {})
        other_rules = [candidate for candidate in body["rules"] if candidate["target"] != rule["target"]]
        rules.publish(flow, {**body, "rules": [*other_rules, rule]}, "test", "")


CASES = [(flow, name) for flow, names in TABLES.items() for name in names]


@pytest.mark.parametrize(("flow", "name"), CASES)
def test_a_row_is_chosen_and_never_typed(
    connected_console: str, second_application: Application, page: Page, flow: str, name: str
) -> None:
    parts, other, key = TABLES[flow][name]
    second_application.rules.set_table(name, {}, "test")
    page.goto(f"{connected_console}/flows?flow={flow}&tab=tables&table={name}&lang=de", wait_until="commit")
    expect(at_rest(page).get_by_text("Zeile hinzufügen").first).to_be_visible()
    for label, option in parts.items():
        choose(page, label, option)
    choose(page, f"Entsprechung in {'MplusKASSA' if flow in ('products', 'customers') else 'AccountView'}", other)
    picture(page, f"tables-{name}-chosen")
    button(page, re.compile("^add Zeile hinzufügen|^Zeile hinzufügen$"))
    button(page, "Tabelle speichern")
    expect(at_rest(page).get_by_text("Gespeichert").first).to_be_visible()
    picture(page, f"tables-{name}-kept")

    rows = second_application.rules.tables()[name]
    assert len(rows) == 1
    assert next(iter(rows)).startswith(key)
    assert second_application.tables.faults(name, rows.items()) == {}
