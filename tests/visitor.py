"""Somebody who opens the console as a browser does, without one."""

import re

from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from tests.servers import Server

TICKET = re.compile(rb"log\.csv\?ticket=(\d+-[0-9a-f]{32}\.[0-9a-f]{64})")


class Visitor:
    """Gets tickets as a browser does: over a socket of Streamlit, from the links that the page draws."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def ticket(self) -> str:
        """Return a fresh ticket."""
        place = f"ws://127.0.0.1:{self._server.port}/_stcore/stream"
        spoken, origin = [Subprotocol("streamlit")], Origin(self._server.address)
        with connect(place, origin=origin, subprotocols=spoken, max_size=None) as line:
            begin = BackMsg()
            begin.rerun_script.query_string = "tab=questions"
            begin.rerun_script.page_name = "logs"
            line.send(begin.SerializeToString())
            for message in line:
                if isinstance(message, bytes) and (found := TICKET.search(message)):
                    return found[1].decode()
        raise AssertionError("the page offers no log")
