"""A name that both systems changed, in a real browser: three values in sight, and one choice for all of its kind."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from integration.application.application import Application
from integration.sandbox.server import Sandbox
from tests.browser.conftest import at_rest, button, picture
from tests.browser.test_operators import commit_plan, preview_flow, wide
from tests.consoles import open_application
from tests.people import make_actor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]


@pytest.fixture(scope="module")
def settings(connected_console: str, data: Path) -> Iterator[Application]:
    assert connected_console
    with open_application(data, start=False) as application:
        application.flows.change("products", {"brakes": wide("products")}, make_actor("test"))
        yield application


def names(systems: Sandbox) -> dict[str, str]:
    """Return the product name of each article of the till."""
    return {
        str(row["articleList"][0].get("extArticleId")): str(row["description"])
        for row in systems.state("products", "mplus")
        if len(row["articleList"]) == 1
    }


def test_whose_name_counts_is_said_once_for_all_with_the_three_values_in_sight(
    connected_console: str, settings: Application, systems: Sandbox, page: Page
) -> None:
    preview_flow(page, connected_console, "products")
    commit_plan(page)
    parents = {row["ART_CODE"]: row.get("K9_PARENT") for row in systems.state("ARTICLE")}
    codes = [code for code in names(systems) if not parents.get(code, "?")][:2]
    for row in systems.state("products", "mplus"):
        code = str(row["articleList"][0].get("extArticleId"))
        if code in codes:
            systems.till.edit("products", str(row["productNumber"]), {"description": f"Kassa {code}"})
            systems.accountview.edit("ARTICLE", code, {"ART_DESC1": f"Boek {code}", "PX_SELL": 41})

    preview_flow(page, connected_console, "products")
    commit_plan(page)  # the prices
    assert {names(systems)[code] for code in codes} == {f"Kassa {code}" for code in codes}

    page.goto(f"{connected_console}/exceptions?flow=products&find={codes[0]}", wait_until="commit")
    button(page, "Repair")
    at_rest(page).get_by_text("The same for all").click()
    table = at_rest(page).locator('[data-testid="stTable"]')
    for caption in ("Last agreed", f"Boek {codes[0]}", f"Kassa {codes[0]}", f"Boek {codes[1]}"):
        expect(table.get_by_text(caption).first).to_be_visible()
    picture(page, "conflict-three-values")
    at_rest(page).get_by_text("Use the value of AccountView").click()
    button(page, "Decide and preview 2 articles")
    expect(page).to_have_url(re.compile("plan="))
    expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Waiting")
    commit_plan(page)
    assert {names(systems)[code] for code in codes} == {f"Boek {code}" for code in codes}
    assert [group for group in settings.exceptions.groups("products") if group.cause == "field_conflict"] == []
    expect(page.get_by_test_id("stException")).to_have_count(0)
