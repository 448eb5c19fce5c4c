"""What the frame of the console does in the browser by itself."""

import re

import pytest
from playwright.sync_api import Browser, WebSocketRoute, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.browser.conftest import at_rest

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]

HEAD = [0, 0]  # where a page begins, as Streamlit counts what it draws


def test_a_page_that_broke_in_the_browser_is_opened_again(console: str, browser: Browser) -> None:
    lost: list[bytes] = []
    errors: list[str] = []
    loses = False

    def through(page: WebSocketRoute) -> None:
        server = page.connect_to_server()

        def answered(message: str | bytes) -> None:
            if loses and not lost and isinstance(message, bytes) and _place(message) == HEAD:
                lost.append(message)
            else:
                page.send(message)

        server.on_message(answered)

    with browser.new_context(locale="en-GB") as context:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.route_web_socket(re.compile("_stcore/stream"), through)
        page.goto(console, wait_until="commit")
        expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Overview")
        loses = True
        at_rest(page).get_by_role("link", name="Runs").click()

        expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Runs")
    assert lost
    assert "delta path" in "".join(errors)


def _place(message: bytes) -> list[int]:
    told = ForwardMsg()
    told.ParseFromString(message)
    return list(told.metadata.delta_path) if told.WhichOneof("type") == "delta" else []
