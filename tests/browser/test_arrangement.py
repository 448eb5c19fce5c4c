"""Settings as a file in a browser: saved, changed, compared, and imported or refused."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from integration.application.application import Application
from tests.browser.conftest import at_rest, button, picture

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]


def gives(page: Page, name: str, content: bytes) -> None:
    """Give the page a file."""
    at_rest(page).locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "application/json", "buffer": content}
    )


def test_a_file_is_saved_changed_seen_and_taken_over(
    connected_console: str, page: Page, second_application: Application, tmp_path: Path
) -> None:
    page.goto(f"{connected_console}/administration?tab=file")
    with page.expect_download() as saved:
        button(page, "Save as a file")
    file = tmp_path / "settings.json"
    saved.value.save_as(file)
    shape = json.loads(file.read_text(encoding="utf-8"))
    gives(page, "same.json", file.read_bytes())
    expect(page.get_by_text("The file changes nothing here.")).to_be_visible()

    shape["tables"]["payment_methods"] = {"PIN": "1600", "ČASH <b>": "1000"}
    shape["flows"]["products"] = {"schedule_minutes": 45}
    page.goto(f"{connected_console}/administration?tab=file")
    gives(page, "changed.json", json.dumps(shape).encode())
    expect(at_rest(page).get_by_role("button", name="Import", exact=True)).to_be_visible()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    picture(page, "settings-file-differences")
    assert second_application.flows.settings("products").schedule_minutes != 45
    button(page, re.compile("^Import$"))
    expect(page.get_by_text(re.compile(r"Imported: \d+ changed\."))).to_be_visible()
    assert second_application.flows.settings("products").schedule_minutes == 45
    assert second_application.rules.tables()["payment_methods"] == shape["tables"]["payment_methods"]
    expect(at_rest(page).get_by_role("button", name="Import", exact=True)).to_have_count(0)
