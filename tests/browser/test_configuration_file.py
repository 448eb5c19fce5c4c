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


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("en-GB", "not valid JSON from here on"),
        ("nl-NL", "vanaf hier geen geldige JSON"),
        ("de-DE", "kein gültiges JSON"),
    ],
)
def test_what_is_no_such_file_is_refused_in_three_languages(
    connected_console: str, page: Page, locale: str, expected: str
) -> None:
    before = page.context.browser
    assert before is not None
    context = before.new_context(locale=locale)
    other = context.new_page()
    other.goto(f"{connected_console}/administration?tab=file")
    gives(other, "bomb.yaml", b"a: &a [x, x]\nb: [*a, *a]\nsluis: 1\n")
    expect(other.get_by_text(re.compile(expected))).to_be_visible()
    if locale == "nl-NL":
        picture(other, "settings-file-refused-nl")
    context.close()


def test_what_is_too_large_or_holds_a_secret_is_refused(
    connected_console: str, page: Page, second_application: Application
) -> None:
    before = second_application.configuration_file.text()
    for content, expected in (
        (b'{"sluis": 1, "x": "' + b"x" * 1_100_000 + b'"}', "it has more than 1 MB"),
        (b'{"sluis": 1, "flows": {"products": {"client_secret": "hunter22"}}}', "the file contains a secret"),
        (b'{"sluis": 9, "program": "9.0"}', "newer version of this program: 9.0"),
        (b'{"sluis": 1, "flows": {"products": {"schedule_minutes": "often"}}}', "that cannot be used here"),
    ):
        page.goto(f"{connected_console}/administration?tab=file")
        gives(page, "wrong.json", content)
        expect(page.get_by_text(re.compile(expected))).to_be_visible()
        expect(page.get_by_text("hunter22")).to_have_count(0)
    assert second_application.configuration_file.text() == before
