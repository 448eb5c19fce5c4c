"""Adds preload links to the HTML of a page, so that a browser fetches scripts and fonts early.

Streamlit loads a script, and the scripts that it imports, when it draws the first element of a kind. With links in the
HTML, all of them load before the first script runs. Scripts for the contents of a page have a lower priority than those
of its frame.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from integration.web.guard import language_of
from integration.web.splash import NAME, starting

EVERYWHERE = ("Button", "Html", "MenuButton")
"""Elements of the frame around every page."""
DRAWN: Mapping[str, Sequence[str]] = {
    "": ("Metric",),
    "preview": ("ButtonGroup", "DataFrame", "Selectbox", "Table", "TextInput"),
    "exceptions": ("ButtonGroup", "Checkbox", "TextInput"),
    "runs": ("ButtonGroup", "DataFrame", "Pagination"),
    "phone": (),
    "days": ("Selectbox",),
    "stock": ("ButtonGroup", "DataFrame", "Metric", "Selectbox", "TextInput"),
    "logs": ("ButtonGroup", "DataFrame", "DateInput", "Pagination", "Selectbox", "TextInput"),
    "monitoring": ("ButtonGroup", "Table"),
    "setup": ("Checkbox",),
    "flows": ("ButtonGroup", "Checkbox", "NumberInput", "Radio", "Selectbox", "TextInput"),
    "mappings": ("ButtonGroup", "DataFrame", "Selectbox", "Table", "TextInput"),
    "administration": ("ButtonGroup", "DataFrame", "Selectbox", "TextInput"),
}
"""Other elements of each page, by its address."""
FONTS = tuple(f"app/static/plex-sans-{weight}.woff2" for weight in (400, 500, 600))
ICONS = "media/MaterialSymbols-Rounded.*.woff2"
_ENTRY = re.compile(r'<script type="module"[^>]* src="\./static/js/(?P<name>[^"]+)"')
_BESIDE = re.compile(rb'\b(href|src)="\./')
_DRAWN_IN, _UNNAMED = b'<div id="root">', b"<title>Streamlit</title>"
_FILES = re.compile(r"m\.f=\[(?P<names>[^\]]*)\]")
FRAME = "\n".join(f'<script defer src="/app/static/{name}.js"></script>' for name in ("frame", "speak"))
"""Scripts for input and language on every page; they must run before anything is drawn."""
AT_ONCE = "window.__streamlit = { BACKEND_BASE_URL: location.origin }"
"""Tells Streamlit where the server is. It would otherwise look below the address of the page first, and fail."""


class Pieces:
    """Script files that draw each element, according to Streamlit's entry script."""

    def __init__(self, folder: Path) -> None:
        """Read the files from the folder with Streamlit's own page."""
        index = (folder / "index.html").read_text(encoding="utf-8")
        entry = _ENTRY.search(index)
        self._script = (folder / "static" / "js" / entry["name"]).read_text(encoding="utf-8") if entry else ""
        found = _FILES.search(self._script)
        self._files = [name.strip('"').removeprefix("./") for name in found["names"].split(",")] if found else []
        self._named = index
        self._icons = [f"static/media/{one.name}" for one in (folder / "static").glob(ICONS)]

    def of(self, element: str) -> list[str]:
        """Return the scripts that draw an element, without those in the HTML already; none for an unknown element."""
        asked = rf"import\(`\./{element}\.[\w-]+\.js`\)[^()]*(?:\([^()]*\))?,__vite__mapDeps\(\[(?P<places>[\d,]+)\]\)"
        found = re.search(asked, self._script)
        names = [self._files[int(place)] for place in found["places"].split(",")] if found else []
        return [name for name in names if name.endswith(".js") and f"/{name}" not in self._named]

    def links(self, drawn: Sequence[str]) -> bytes:
        """Return the HTML to add to a page that draws these elements within its frame."""
        frame = [file for element in EVERYWHERE for file in self.of(element)]
        rest = [file for element in drawn for file in self.of(element)]
        fonts = (*FONTS, *self._icons)
        scripts = {**dict.fromkeys(rest, " fetchpriority=low"), **dict.fromkeys(frame, "")}
        return "\n".join((
            f"<script>{AT_ONCE}</script>",
            FRAME,
            *(f'<link rel="preload" crossorigin as="font" type="font/woff2" href="/{file}">' for file in fonts),
            *(f'<link rel="modulepreload" crossorigin{low} href="/static/js/{one}">' for one, low in scripts.items()),
        )).encode()  # fmt: skip


class Early:
    """Middleware that adds preload links, the address of the server and the splash to the HTML of a page."""

    def __init__(self, app: ASGIApp, pieces: Pieces) -> None:
        self._app = app
        self._links = {f"/{page}": pieces.links(drawn) for page, drawn in DRAWN.items()}
        self._frame = pieces.links(())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a page; pass all other requests on."""
        links = self._of(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        if links is None:
            await self._app(scope, receive, send)
            return
        before = starting(language_of(Headers(scope=scope)))
        begun: list[Message] = []
        body = bytearray()

        async def with_links(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_html(message):
                begun.append(message)
            elif begun and message["type"] == "http.response.body":
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    for whole in _told(begun.pop(), bytes(body), links, before):
                        await send(whole)
            else:
                await send(message)

        bare = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        await self._app({**scope, "headers": bare}, receive, with_links)

    def _of(self, scope: Scope) -> bytes | None:
        """Return the HTML to add for an address. A browser may open a page at an unknown address too."""
        opened = "text/html" in Headers(scope=scope).get("accept", "")
        return self._links.get(scope["path"], self._frame if opened else None)


def _is_html(start: Message) -> bool:
    kind = Headers(raw=start["headers"]).get("content-type", "")
    return start["status"] == HTTPStatus.OK and kind.startswith("text/html")


def _told(start: Message, body: bytes, links: bytes, before: bytes) -> Iterator[Message]:
    """Yield the answer with the added HTML, without the headers that allow a conditional request.

    A page that is not Streamlit's, such as a form, stays unchanged.
    """
    entry = _ENTRY.search(body.decode(errors="replace"))
    if entry is None:
        yield start
        yield {"type": "http.response.body", "body": body}
        return
    # Scripts run in the order of the HTML: ours must receive keys before Streamlit draws anything.
    whole = body.replace(entry[0].encode(), links + b"\n" + entry[0].encode(), 1)
    whole = whole.replace(_DRAWN_IN, before + _DRAWN_IN, 1).replace(_UNNAMED, f"<title>{NAME}</title>".encode(), 1)
    whole = _BESIDE.sub(rb'\1="/', whole)  # an address may have several parts, and files are not below them
    headers = MutableHeaders(scope=start)
    headers["content-length"] = str(len(whole))
    for name in ("etag", "last-modified", "accept-ranges"):
        del headers[name]
    yield start
    yield {"type": "http.response.body", "body": whole}
