"""What runs between a page in a browser and the server: each answer belongs to the page that is open.

Streamlit lets a part of a page draw itself anew by a timer of the browser. Where the timer goes off while another page
is being opened, the part of the page that was left is asked for once more. The server then tells the browser of that
page, and the browser takes away what it shows of the one that was opened: an empty page. It also tells the browser of
the address of that page, which the one that was opened is drawn for from then on: a list of runs, where a run was
(both seen with 1.67).

That an address names no page Streamlit tells in English; the frame of the pages says it in the reader's language.
"""

from dataclasses import dataclass

from google.protobuf.message import DecodeError
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

STREAM = "/_stcore/stream"
LONGEST = 100_000  # bytes; what asks for a page or begins one is far shorter, and a table is not read here


@dataclass(slots=True)
class OpenPage:
    """Which page one browser asked for last, and which it shows, as its own script counts; empty before the first.

    They differ while a page is being opened, and what was told of the one before may still be on its way.
    """

    asked: str = ""
    shown: str = ""
    tells_of_another: bool = False  # what is told now is of a page that was left

    def lets_in(self, message: bytes) -> bool:
        """Take in what a browser asks, and tell whether it is for the page that is open."""
        wanted = BackMsg()
        wanted.ParseFromString(message)
        if wanted.WhichOneof("type") != "rerun_script":
            return True
        run = wanted.rerun_script
        if run.fragment_id:
            return not (run.is_auto_rerun and self.asked and run.page_script_hash != self.asked)
        self.asked = run.page_script_hash
        return True

    def told(self, message: bytes) -> bytes:
        """Take in what a browser is told, and return it as it is to be told of the page that is open; else nothing."""
        answer = ForwardMsg()
        answer.ParseFromString(message)
        match answer.WhichOneof("type"):
            case "page_not_found":
                return b""
            case "navigation":  # opened by its address, a page is told of here for the first time
                self.asked = self.shown = answer.navigation.page_script_hash
            case "new_session" if not answer.metadata.run.fragment_ids:
                self.asked = self.shown = answer.new_session.page_script_hash
                self.tells_of_another = False
            case "new_session":
                self.tells_of_another = self.shown not in ("", answer.new_session.page_script_hash)
                if self.tells_of_another:
                    answer.new_session.page_script_hash = self.shown
                    return bytes(answer.SerializeToString())
            case "page_info_changed" if self.tells_of_another:
                return b""
        return message


class Stream:
    """Keeps parts of a page that was left from what a browser shows of the page that is open."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a socket of a browser; everything else passes."""
        if scope["type"] != "websocket" or not scope["path"].endswith(STREAM):
            await self._app(scope, receive, send)
            return
        open_page = OpenPage()

        async def asked() -> Message:
            while True:
                message = await receive()
                if _passes(message, open_page):
                    return message

        async def told(message: Message) -> None:
            if (sent := message.get("bytes")) and len(sent) <= LONGEST:
                message = {**message, "bytes": open_page.told(sent)}
                if not message["bytes"]:
                    return
            await send(message)

        await self._app(scope, asked, told)


def _passes(message: Message, open_page: OpenPage) -> bool:
    sent = message.get("bytes")
    if not sent:
        return True
    try:
        return open_page.lets_in(sent)
    except DecodeError:
        return True  # the server says what it thinks of it
