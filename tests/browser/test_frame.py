"""Behaviour of the frame of the console in the browser."""

import re

import pytest
from playwright.sync_api import Browser, WebSocketRoute, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.browser.conftest import SETTLE, at_rest
from tests.servers import Server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]

HEAD = [0, 0]  # where a page begins, as Streamlit counts what it draws


@pytest.mark.long
def test_a_page_that_broke_in_the_browser_is_opened_again(console: str, browser: Browser) -> None:
    lost: list[str | bytes] = []
    errors: list[str] = []
    drawn: list[str] = []  # the pages that are drawn, one after the other

    def route_messages(page: WebSocketRoute) -> None:
        server = page.connect_to_server()

        def pass_answer(message: str | bytes) -> None:
            frame = ForwardMsg.FromString(message) if isinstance(message, bytes) else ForwardMsg()
            if frame.HasField("navigation"):
                drawn.append(frame.navigation.page_script_hash)
            if not lost and drawn[-1:] != drawn[:1] and list(frame.metadata.delta_path) == HEAD:
                lost.append(message)
            else:
                page.send(message)

        server.on_message(pass_answer)

    with browser.new_context(locale="en-GB") as context:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.route_web_socket(re.compile("_stcore/stream"), route_messages)
        page.goto(console, wait_until="commit")
        expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Overview")
        at_rest(page).get_by_role("link", name="Runs").click()

        expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Runs")
    assert lost
    assert "delta path" in "".join(errors)


@pytest.mark.long
@pytest.mark.parametrize("by_timer", [True, False], ids=["timer", "click"])
def test_what_a_page_that_was_left_asks_for_takes_nothing_from_the_one_that_was_opened(
    sandbox_server: Server, browser: Browser, *, by_timer: bool
) -> None:
    requests: list[BackMsg] = []  # what a part of the page asks for, to be asked once more
    finished: list[list[str]] = []

    def route_messages(page: WebSocketRoute) -> None:
        server = page.connect_to_server()

        def pass_request(message: str | bytes) -> None:
            frame = BackMsg.FromString(message) if isinstance(message, bytes) else BackMsg()
            if frame.rerun_script.is_auto_rerun:
                requests.append(frame)
            server.send(message)
            if requests and frame.WhichOneof("type") == "rerun_script" and not frame.rerun_script.fragment_id:
                requests[-1].rerun_script.is_auto_rerun = by_timer
                server.send(requests[-1].SerializeToString())

        def pass_answer(message: str | bytes) -> None:
            frame = ForwardMsg.FromString(message) if isinstance(message, bytes) else ForwardMsg()
            page.send(message)
            if frame.WhichOneof("type") == "script_finished":
                finished.append(list(frame.metadata.run.fragment_ids))

        page.on_message(pass_request)
        server.on_message(pass_answer)

    with browser.new_context(locale="en-GB") as context:
        page = context.new_page()
        page.route_web_socket(re.compile("_stcore/stream"), route_messages)
        page.goto(sandbox_server.address, wait_until="commit")
        while not requests:
            page.wait_for_timeout(100)
        finished.clear()
        at_rest(page).get_by_role("link", name="Runs").click()
        while [] not in finished:  # the page that was opened has been drawn
            page.wait_for_timeout(100)

        page.wait_for_timeout(SETTLE)
        expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Runs")
