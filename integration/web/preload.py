"""What the HTML of a page tells a browser to fetch, which it would come upon later, one piece after the other.

Streamlit draws a page by pieces of script that it loads when it meets the first element of a kind, each with what it
needs itself. Named in the HTML, all of them are on their way before the first script has run; what draws the contents
of a page stands back behind what its frame needs.
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
"""What the frame draws around every page."""
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
"""What each page draws beside, by its address."""
FONTS = tuple(f"app/static/plex-sans-{weight}.woff2" for weight in (400, 500, 600))
ICONS = "media/MaterialSymbols-Rounded.*.woff2"
_ENTRY = re.compile(r'<script type="module"[^>]* src="\./static/js/(?P<name>[^"]+)"')
_BESIDE = re.compile(rb'\b(href|src)="\./')
_DRAWN_IN, _UNNAMED = b'<div id="root">', b"<title>Streamlit</title>"
_FILES = re.compile(r"m\.f=\[(?P<names>[^\]]*)\]")
FRAME = "\n".join(f'<script defer src="/app/static/{name}.js"></script>' for name in ("frame", "speak"))
"""What listens to a person and speaks their language on every page, so it is there before anything is drawn."""
AT_ONCE = "window.__streamlit = { BACKEND_BASE_URL: location.origin }"
"""Says where the server is: Streamlit would look for it below the address of a page first, where it is not."""


class Pieces:
    """Which files draw an element, as the script with which a page begins knows them."""

    def __init__(self, folder: Path) -> None:
        """Read them from the folder in which Streamlit has its own page."""
        index = (folder / "index.html").read_text(encoding="utf-8")
        entry = _ENTRY.search(index)
        self._script = (folder / "static" / "js" / entry["name"]).read_text(encoding="utf-8") if entry else ""
        found = _FILES.search(self._script)
        self._files = [name.strip('"').removeprefix("./") for name in found["names"].split(",")] if found else []
        self._named = index
        self._icons = [f"static/media/{one.name}" for one in (folder / "static").glob(ICONS)]

    def of(self, element: str) -> list[str]:
        """Return the scripts that draw an element, without those that the HTML names itself; none of one unknown."""
        asked = rf"import\(`\./{element}\.[\w-]+\.js`\)[^()]*(?:\([^()]*\))?,__vite__mapDeps\(\[(?P<places>[\d,]+)\]\)"
        found = re.search(asked, self._script)
        names = [self._files[int(place)] for place in found["places"].split(",")] if found else []
        return [name for name in names if name.endswith(".js") and f"/{name}" not in self._named]

    def links(self, drawn: Sequence[str]) -> bytes:
        """Return what the HTML of a page says beside, by the elements that it draws within its frame."""
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
    """Says with the HTML of a page what it is drawn by, and where the server is."""

    def __init__(self, app: ASGIApp, pieces: Pieces) -> None:
        self._app = app
        self._links = {f"/{page}": pieces.links(drawn) for page, drawn in DRAWN.items()}
        self._frame = pieces.links(())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a page; everything else passes."""
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
        """Return what is said with the page of an address; under one that is unknown a browser may open a page too."""
        opened = "text/html" in Headers(scope=scope).get("accept", "")
        return self._links.get(scope["path"], self._frame if opened else None)


def _is_html(start: Message) -> bool:
    kind = Headers(raw=start["headers"]).get("content-type", "")
    return start["status"] == HTTPStatus.OK and kind.startswith("text/html")


def _told(start: Message, body: bytes, links: bytes, before: bytes) -> Iterator[Message]:
    """Yield an answer whose HTML says more than its file, so that nobody can ask whether the file is still the same.

    What is no page of Streamlit, such as a form, is as it was.
    """
    entry = _ENTRY.search(body.decode(errors="replace"))
    if entry is None:
        yield start
        yield {"type": "http.response.body", "body": body}
        return
    # Scripts run in the order in which the HTML names them: ours hear a key before Streamlit draws anything.
    whole = body.replace(entry[0].encode(), links + b"\n" + entry[0].encode(), 1)
    whole = whole.replace(_DRAWN_IN, before + _DRAWN_IN, 1).replace(_UNNAMED, f"<title>{NAME}</title>".encode(), 1)
    whole = _BESIDE.sub(rb'\1="/', whole)  # an address may have several parts, and nothing lies below them
    headers = MutableHeaders(scope=start)
    headers["content-length"] = str(len(whole))
    for name in ("etag", "last-modified", "accept-ranges"):
        del headers[name]
    yield start
    yield {"type": "http.response.body", "body": whole}
