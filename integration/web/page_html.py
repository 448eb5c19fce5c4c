"""Adds to the HTML of a page the parts that come before Streamlit draws: our scripts, fonts, and a splash.

Scripts of Streamlit are not preloaded: measured on loopback, pages were slower with such links by 0.15 to 0.5 s.
"""

import re
from collections.abc import Iterator
from html import escape
from http import HTTPStatus
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from integration.web.guard import language_of
from integration.words import term

FONTS = tuple(f"app/static/plex-sans-{weight}.woff2" for weight in (400, 500, 600))
ICONS = "media/MaterialSymbols-Rounded.*.woff2"
_ENTRY = re.compile(r'<script type="module"[^>]* src="\./static/js/(?P<name>[^"]+)"')
_BESIDE = re.compile(rb'\b(href|src)="\./')
_DRAWN_IN, _UNNAMED = b'<div id="root">', b"<title>Streamlit</title>"
FRAME = "\n".join(f'<script defer src="/app/static/{name}.js"></script>' for name in ("frame", "language"))
"""Scripts for input and language on every page; they must run before anything is drawn."""
AT_ONCE = "window.__streamlit = { BACKEND_BASE_URL: location.origin }"
"""Tells Streamlit where the server is. It would otherwise look below the address of the page first, and fail."""
NAME = "Sluis"
STYLE = """<style>
#starting { position: fixed; inset: 0; z-index: 1000000; display: flex; flex-direction: column; gap: .75rem;
  align-items: center; justify-content: center; pointer-events: none; color-scheme: light dark;
  font: 1rem Plex, sans-serif;
  background: light-dark(#FFFFFF, #12171E); color: light-dark(#1B2430, #E4E9EF); }
#starting img { width: 2.5rem; height: 2.5rem; }
#starting span { color: light-dark(#4F5A67, #BAC4CF); }
body:has(.stElementContainer, [data-testid=stSidebarNav], [role=dialog], [role=alert]) #starting { display: none; }
</style><noscript><style>#starting { display: none; }</style></noscript>"""
"""Covers Streamlit's skeleton of a page and its Stop button, but never drawn content or an error."""


class PageHtml:
    """Middleware that adds our scripts, fonts, the address of the server and the splash to the HTML of a page."""

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        """`folder` has Streamlit's own page."""
        self._app = app
        icons = [f"static/media/{file.name}" for file in (folder / "static").glob(ICONS)]
        fonts = (
            f'<link rel="preload" crossorigin as="font" type="font/woff2" href="/{file}">' for file in (*FONTS, *icons)
        )
        self._added_html = "\n".join((f"<script>{AT_ONCE}</script>", FRAME, *fonts)).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a page; pass all other requests on."""
        if scope["type"] != "http" or scope["method"] != "GET" or not _may_be_page(scope["path"]):
            await self._app(scope, receive, send)
            return
        before = _splash(language_of(Headers(scope=scope)))
        begun: list[Message] = []
        body = bytearray()

        async def with_added(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_html(message):
                begun.append(message)
            elif begun and message["type"] == "http.response.body":
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    for whole in _with_added_html(begun.pop(), bytes(body), self._added_html, before):
                        await send(whole)
            else:
                await send(message)

        bare = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        await self._app({**scope, "headers": bare}, receive, with_added)


def _may_be_page(path: str) -> bool:
    """Return True unless a file is requested, or an answer of Streamlit's own protocol."""
    return "." not in path.rpartition("/")[2] and not path.startswith("/_stcore/")


def _is_html(start: Message) -> bool:
    kind = Headers(raw=start["headers"]).get("content-type", "")
    return start["status"] == HTTPStatus.OK and kind.startswith("text/html")


def _with_added_html(start: Message, body: bytes, added: bytes, before: bytes) -> Iterator[Message]:
    """Yield the answer with the added HTML, without the headers that allow a conditional request.

    A page that is not Streamlit's, such as a form, stays unchanged.
    """
    entry = _ENTRY.search(body.decode(errors="replace"))
    if entry is None:
        yield start
        yield {"type": "http.response.body", "body": body}
        return
    # Scripts run in the order of the HTML: ours must receive keys before Streamlit draws anything.
    whole = body.replace(entry[0].encode(), added + b"\n" + entry[0].encode(), 1)
    whole = whole.replace(_DRAWN_IN, before + _DRAWN_IN, 1).replace(_UNNAMED, f"<title>{NAME}</title>".encode(), 1)
    whole = _BESIDE.sub(rb'\1="/', whole)  # an address may have several parts, and files are not below them
    headers = MutableHeaders(scope=start)
    headers["content-length"] = str(len(whole))
    for name in ("etag", "last-modified", "accept-ranges"):
        del headers[name]
    yield start
    yield {"type": "http.response.body", "body": whole}


def _splash(language: str) -> bytes:
    """Return the HTML of the splash, to be placed before the root element of the page."""
    starting_text = escape(term("console_starting", language))
    return (
        f'{STYLE}<div id="starting" role="status" lang="{language}">'
        f'<img src="/app/static/icon.svg" alt=""><b>{NAME}</b><span>{starting_text}</span></div>'
    ).encode()
