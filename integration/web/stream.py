"""Filters messages between browser and server, so that each answer belongs to the page that is open.

Streamlit redraws a fragment of a page when a timer of the browser fires. If the timer fires while another page opens,
the browser requests the fragment of the previous page again. The server then reports the previous page, and the browser
removes the new page's contents: an empty page. The server also reports the address of the previous page, which the new
page then uses: a list of runs instead of one run (both seen with 1.67).

Streamlit reports in English that an address names no page; the frame of the pages says it in the reader's language.
"""

from dataclasses import dataclass

from google.protobuf.message import DecodeError
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

STREAM = "/_stcore/stream"
LONGEST = 100_000  # bytes; messages about pages are far shorter, and tables need not be parsed


@dataclass(slots=True)
class OpenPage:
    """Page hashes of one browser: the page that it requested last and the page that it shows; empty at first.

    They differ while a page opens; messages about the previous page may still arrive.
    """

    requested_page: str = ""
    shown_page: str = ""
    tells_of_another: bool = False  # True while messages concern a previous page

    def accepts_message(self, message: bytes) -> bool:
        """Process a message of the browser; return False if it concerns another page than the open one."""
        back_message = BackMsg()
        back_message.ParseFromString(message)
        if back_message.WhichOneof("type") != "rerun_script":
            return True
        run = back_message.rerun_script
        if run.fragment_id:
            return not (run.is_auto_rerun and self.requested_page and run.page_script_hash != self.requested_page)
        self.requested_page = run.page_script_hash
        return True

    def update(self, message: bytes) -> bytes:
        """Return a message of the server, corrected for the open page; empty if the browser must not get it."""
        answer = ForwardMsg()
        answer.ParseFromString(message)
        match answer.WhichOneof("type"):
            case "page_not_found":
                return b""
            case "navigation":  # the first message about a page that was opened by its address
                self.requested_page = self.shown_page = answer.navigation.page_script_hash
            case "new_session" if not answer.metadata.run.fragment_ids:
                self.requested_page = self.shown_page = answer.new_session.page_script_hash
                self.tells_of_another = False
            case "new_session":
                self.tells_of_another = self.shown_page not in ("", answer.new_session.page_script_hash)
                if self.tells_of_another:
                    answer.new_session.page_script_hash = self.shown_page
                    return bytes(answer.SerializeToString())
            case "page_info_changed" if self.tells_of_another:
                return b""
        return message


class Stream:
    """Middleware that keeps fragments of a previous page from the page that is open."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Filter the socket of a browser; pass everything else on."""
        if scope["type"] != "websocket" or not scope["path"].endswith(STREAM):
            await self._app(scope, receive, send)
            return
        open_page = OpenPage()

        async def receive_message() -> Message:
            while True:
                message = await receive()
                if _may_pass(message, open_page):
                    return message

        async def send_message(message: Message) -> None:
            if (payload := message.get("bytes")) and len(payload) <= LONGEST:
                message = {**message, "bytes": open_page.update(payload)}
                if not message["bytes"]:
                    return
            await send(message)

        await self._app(scope, receive_message, send_message)


def _may_pass(message: Message, open_page: OpenPage) -> bool:
    payload = message.get("bytes")
    if not payload:
        return True
    try:
        return open_page.accepts_message(payload)
    except DecodeError:
        return True  # the server reports the error
