"""A hostile page in the browser of an operator cannot reach the console.

It knows everything that could leak: the address, a download token that holds, the token of this start. It stands on
another site, on other ports of this machine, and under a name that was bound to this machine after it was loaded.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserType, Page, Response

from tests.browser.conftest import FLAGS, PATIENCE
from tests.raw_http import send_request
from tests.recording_server import listening
from tests.servers import Server
from tests.visitor import Visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]

SITE = "evil.test"
REBOUND = "rebound"
BLANK = "<!doctype html><title>hostile</title><body>"
PATHS = (
    "/",
    "/healthz",
    "/metrics",
    "/_stcore/health",
    "/_stcore/host-config",
    "/app/static/icon.svg",
    "{log}",
    "/runs",
)
UNAIDED = (
    "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets,BlockInsecurePrivateNetworkRequests,"
    "PrivateNetworkAccessSendPreflights,PrivateNetworkAccessForNavigations,PrivateNetworkAccessForWorkers"
)
"""Arguments that let pages of other sites reach this machine, because not every browser prevents that."""
REFUSED = {400, 403, 405, 421}

HOSTILE = """
const NOTHING = 'nothing'
const told = /does not accept requests at this address|came from another website|does not support this request/
const judged = (text) => text && !told.test(text) ? 'reached: ' + text.slice(0, 80) : NOTHING
const soon = (make) => new Promise((done) => { setTimeout(() => done(NOTHING), 4000); make(done) })
const element = (tag, set) => soon((done) => {
  const one = Object.assign(document.createElement(tag), set)
  one.onload = () => done('loaded'); one.onerror = () => done(NOTHING)
  document.body.append(one)
})
const framed = (tag, set) => soon((done) => {
  const one = Object.assign(document.createElement(tag), set)
  one.onload = () => setTimeout(() => {
    try { done(judged(one.contentDocument?.documentElement?.innerText)) } catch { done(NOTHING) }
  }, 200)
  document.body.append(one)
})
const posted = (action, set) => soon((done) => {
  const frame = Object.assign(document.createElement('iframe'), { name: 'f' + Math.random() })
  const form = Object.assign(document.createElement('form'), { method: 'POST', target: frame.name, action, ...set })
  form.append(Object.assign(document.createElement('input'), { name: '{"sql":"SELECT 1","rows":1,"x":"', value: '"}' }))
  frame.onload = () => { try { done(judged(frame.contentDocument.documentElement.innerText)) } catch { done(NOTHING) } }
  document.body.append(frame, form)
  form.submit()
})
const read = (asking) => asking.then((answer) => answer.text()).then(judged, () => NOTHING)
window.attacks = {
  socket: (at) => soon((done) => {
    const line = new WebSocket(at.replace('http', 'ws') + '/_stcore/stream', ['streamlit'])
    line.onopen = () => done('reached: a socket'); line.onerror = () => done(NOTHING)
  }),
  fetch: (at, path) => read(fetch(at + path)),
  fetchWithCookies: (at, path) => read(fetch(at + path, { credentials: 'include' })),
  fetchUnread: (at, path) => read(fetch(at + path, { mode: 'no-cors', credentials: 'include' })),
  fetchPost: (at, path, token) => read(fetch(at + '/api/log', {
    method: 'POST', headers: { Authorization: 'Bearer ' + token }, body: '{"sql":"SELECT 1","rows":1}' })),
  fetchPostUnread: (at) => read(fetch(at + '/api/log', { method: 'POST', mode: 'no-cors', body: '{}' })),
  fetchPut: (at) => read(fetch(at + '/_stcore/upload_file/a/b', { method: 'PUT', body: 'x'.repeat(100000) })),
  request: (at, path) => soon((done) => {
    const one = new XMLHttpRequest()
    one.onload = () => done(judged(one.responseText)); one.onerror = () => done(NOTHING)
    one.open('GET', at + path); one.withCredentials = true; one.send()
  }),
  events: (at, path) => soon((done) => {
    const one = new EventSource(at + path)
    one.onopen = () => done('reached: events'); one.onerror = () => { one.close(); done(NOTHING) }
  }),
  frame: (at, path) => framed('iframe', { src: at + path }),
  sandboxedFrame: (at, path) => framed('iframe', { src: at + path, sandbox: 'allow-scripts' }),
  object: (at, path) => framed('object', { data: at + path, type: 'text/html' }),
  embed: (at, path) => framed('embed', { src: at + path, type: 'text/html' }),
  script: (at, path) => element('script', { src: at + path }),
  module: (at, path) => element('script', { src: at + path, type: 'module' }),
  image: (at, path) => element('img', { src: at + path }),
  style: (at, path) => element('link', { href: at + path, rel: 'stylesheet' }),
  preload: (at, path) => element('link', { href: at + path, rel: 'preload', as: 'fetch', crossOrigin: 'anonymous' })
    .then(() => NOTHING), // it says that it is loaded whatever is answered
  prefetch: (at, path) => element('link', { href: at + path, rel: 'prefetch' }),
  video: (at, path) => element('video', { src: at + path, autoplay: true }),
  form: (at) => posted(at + '/api/log', { enctype: 'text/plain' }),
  upload: (at) => posted(at + '/_stcore/upload_file/a/b', { enctype: 'multipart/form-data' }),
  beacon: (at) => { navigator.sendBeacon(at + '/api/log', '{}'); return NOTHING },
  worker: (at, path) => soon((done) => {
    const code = `try { importScripts('${at + path}'); postMessage('reached') } catch { postMessage('nothing') }`
    const one = new Worker(URL.createObjectURL(new Blob([code])))
    one.onmessage = ({ data }) => done(data); one.onerror = () => done(NOTHING)
  }),
}
window.attack = async (at, paths, token) => {
  const found = []
  for (const [name, strike] of Object.entries(window.attacks)) {
    const one = async (path) => strike(at, path, token)
    const results = await Promise.all(paths.map((path) => one(path).catch(() => NOTHING)))
    results.forEach((result, place) => result === NOTHING || found.push([name, paths[place], result]))
  }
  return found
}
"""


class Quiet(BaseHTTPRequestHandler):
    """A page of one word for every request, which allows every use by other pages."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f"{BLANK}something".encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the library calls it
        """Log nothing."""


@pytest.fixture(scope="module")
def hostile() -> Iterator[int]:
    """The port of a server that another page comes from."""
    with listening(Quiet) as port:
        yield port


@pytest.fixture(scope="module")
def console(sandbox_server: Server) -> Server:
    """The console that is attacked."""
    return sandbox_server


@pytest.fixture(scope="module")
def browser_with_attacker_name(
    browser_type: BrowserType, browser_type_launch_args: dict[str, Any]
) -> Iterator[Browser]:
    """A browser for which a name of the attacker leads to this machine."""
    mapped = f"--host-resolver-rules=MAP {SITE} 127.0.0.1"
    browser = browser_type.launch(**{**browser_type_launch_args, "args": [*FLAGS, mapped, UNAIDED]})
    yield browser
    browser.close()


@contextmanager
def page_of(misled: Browser, origin: str) -> Iterator[Page]:
    """Open the hostile page of an origin."""
    with misled.new_context() as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.route(f"{origin}/hostile", lambda route: route.fulfill(body=BLANK, content_type="text/html"))
        page.goto(f"{origin}/hostile")
        page.add_script_tag(content=HOSTILE)
        yield page


def origin_of(who: str, hostile: int, console: Server) -> str:
    return f"http://{SITE}:{console.port}" if who == REBOUND else f"http://{who}:{hostile}"


def sockets(console: Server) -> list[str]:
    """Return Streamlit's count of the browsers that connected and left."""
    metrics = send_request(
        console.port, "GET /_stcore/metrics HTTP/1.0", f"Host: 127.0.0.1:{console.port}"
    ).body.decode()
    return [line for line in metrics.splitlines() if line.startswith(("session_events", "active_sessions"))]


ATTACKERS = (SITE, "127.0.0.1", "localhost", REBOUND)


@pytest.mark.parametrize("who", ATTACKERS)
@pytest.mark.parametrize("target", ["127.0.0.1", "localhost", SITE])
def test_a_hostile_page_reaches_nothing(
    browser_with_attacker_name: Browser, console: Server, hostile: int, who: str, target: str
) -> None:
    download_token = Visitor(console).download_token()
    token = json.loads((console.data / "server.json").read_text(encoding="utf-8"))["token"]
    paths = [path.format(log=f"/api/log/log.csv?ticket={download_token}") for path in PATHS]
    at = f"http://{target}:{console.port}"
    before, answered = sockets(console), []

    def note(answer: Response) -> None:
        if f":{console.port}/" in answer.url and not answer.url.endswith("/hostile"):
            answered.append((answer.request.method, answer.url, answer.status))

    with page_of(browser_with_attacker_name, origin_of(who, hostile, console)) as page:
        page.context.on("response", note)
        reached = page.evaluate("([at, paths, token]) => attack(at, paths, token)", [at, paths, token])
        opened = page.evaluate("(at) => attacks.socket(at)", at)

    assert (reached, opened) == ([], "nothing")
    assert len(answered) > len(paths)  # of what the server was asked, it refused everything
    assert {attempt for attempt in answered if attempt[2] not in REFUSED} == set()
    assert sockets(console) == before
    assert not list(Path(console.data, "exports").rglob("*"))
    host = f"Host: 127.0.0.1:{console.port}"
    assert (
        send_request(console.port, f"GET /api/log/log.csv?ticket={download_token} HTTP/1.1", host).status == 200
    )  # it still held


def test_the_attacks_reach_a_page_that_lets_them(browser_with_attacker_name: Browser, hostile: int) -> None:
    at = f"http://127.0.0.1:{hostile}"
    with page_of(browser_with_attacker_name, at) as page:
        reached = page.evaluate("([at]) => attack(at, ['/?x=something'], '')", [at])

    names = {name for name, _, _ in reached}
    assert {"fetch", "request", "frame", "object", "script", "style"} <= names, sorted(names)


@pytest.mark.parametrize("who", [SITE, "127.0.0.1", "localhost"])
def test_a_page_that_opens_the_console_holds_no_string_to_it(
    browser_with_attacker_name: Browser, console: Server, hostile: int, who: str
) -> None:
    with page_of(browser_with_attacker_name, origin_of(who, hostile, console)) as page:
        page.context.add_init_script("window.heard = []; addEventListener('message', (one) => heard.push(one.origin))")
        with page.expect_popup() as opened:
            page.evaluate(f"window.theirs = open('{console.address}/runs', 'theirs'); 0")
        popup = opened.value
        popup.get_by_role("heading", level=1).wait_for()

        assert page.evaluate("theirs.closed") is True  # the browser has parted them
        assert popup.evaluate("window.opener") is None
        for message in (
            "{stCommVersion: 1, type: 'STOP_SCRIPT'}",
            "{stCommVersion: 1, type: 'SET_AUTH_TOKEN', authToken: 'x'}",
        ):
            page.evaluate(f"theirs.postMessage({message}, '*')")
        assert page.evaluate("(() => { try { return theirs.document.title } catch (e) { return e.name } })()") in (
            "SecurityError", "",
        )  # fmt: skip
        popup.wait_for_timeout(500)
        assert popup.evaluate("heard.filter((one) => one !== location.origin)") == []


def test_a_link_from_elsewhere_leads_to_the_console_and_changes_nothing(
    browser_with_attacker_name: Browser, console: Server, hostile: int
) -> None:
    with page_of(browser_with_attacker_name, f"http://{SITE}:{hostile}") as page:
        page.evaluate(f"location = '{console.address}/setup?code=x&state=y&error=z'; 0")
        page.get_by_role("heading", level=1).wait_for()
        page.get_by_text("was not started here").first.wait_for()
