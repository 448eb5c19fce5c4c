"""Clients of the WebSocket of Streamlit that act as a browser."""

import re

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from tests.servers import Server

FINISHED = ForwardMsg.FINISHED_SUCCESSFULLY
TOKEN = re.compile(rb"log\.csv\?ticket=(\d+-[0-9a-f]{32}\.[0-9a-f]{64})")


class Visitor:
    """Gets download tokens from the links of a page, over a WebSocket of Streamlit."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def download_token(self) -> str:
        """Return a fresh download token."""
        place = f"ws://127.0.0.1:{self._server.port}/_stcore/stream"
        spoken, origin = [Subprotocol("streamlit")], Origin(self._server.address)
        with connect(place, origin=origin, subprotocols=spoken, max_size=None) as line:
            begin = BackMsg()
            begin.rerun_script.query_string = "tab=queries"
            begin.rerun_script.page_name = "logs"
            line.send(begin.SerializeToString())
            for message in line:
                if isinstance(message, bytes) and (match := TOKEN.search(message)):
                    return match[1].decode()
        raise AssertionError("the page offers no log")


def key_of(identity: str) -> str:
    """Return the key of a control from its Streamlit id: `$$ID-<digest>-<key>`."""
    return identity.split("-", 2)[-1]


class Person:
    """A person at one WebSocket of Streamlit, with the cookie of a browser: opens pages and presses buttons.

    It can also press buttons that the page did not show, which no browser does.
    """

    def __init__(self, server: Server, cookie: str) -> None:
        spoken = [Subprotocol("streamlit")]
        self._line = connect(  # open until `close`
            f"ws://127.0.0.1:{server.port}/_stcore/stream",
            origin=Origin(server.address), subprotocols=spoken, max_size=None, legacy=True,
            additional_headers={"Cookie": cookie},
        )  # fmt: skip
        self.buttons: dict[str, str] = {}  # id by key
        self.reachable: dict[str, str] = {}  # type of each enabled control by key

    def open_page(self, page: str, query: str = "", *, presses: str = "") -> str:
        """Open a page, or press a button on it; return everything that it draws."""
        ask = BackMsg()
        ask.rerun_script.page_name = page
        ask.rerun_script.query_string = query
        if presses:
            state = ask.rerun_script.widget_states.widgets.add()
            state.id, state.trigger_value = presses, True
        self._line.send(ask.SerializeToString())
        elements: list[str] = []
        self.buttons, self.reachable = {}, {}
        for message in self._line:
            forward_message = ForwardMsg()
            forward_message.ParseFromString(message if isinstance(message, bytes) else message.encode())
            if forward_message.WhichOneof("type") == "script_finished" and forward_message.script_finished == FINISHED:
                return "\n".join(elements)
            if forward_message.WhichOneof("type") == "delta":
                elements.append(str(forward_message.delta))
                self._record_element(forward_message)
        raise AssertionError("the page was never at its end")

    def _record_element(self, forward_message: ForwardMsg) -> None:
        element = forward_message.delta.new_element
        sort = element.WhichOneof("type") or ""
        control = getattr(element, sort, None)
        if sort == "button":
            self.buttons[key_of(element.button.id)] = element.button.id
        if getattr(control, "id", "") and not getattr(control, "disabled", True):
            self.reachable[key_of(str(getattr(control, "id", "")))] = sort

    def close(self) -> None:
        """Close the socket."""
        self._line.close()
