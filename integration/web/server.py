"""Server of the console: starts the engine with the server, adds its own answers, and puts the guard in front."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from streamlit import config, file_util
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.runtime.pages_manager import PagesManager

from integration.application import bootstrap
from integration.application.application import Application
from integration.core.connections import is_loopback
from integration.core.errors import IntegrationError
from integration.core.untrusted_text import visible
from integration.process.child_environment import with_screen
from integration.process.permissions import OTHERS
from integration.settings import AT_SOCKET, Settings, load_settings
from integration.web import options
from integration.web.compressed import Compressed
from integration.web.guard import INVITATION, Guard, HostPolicy
from integration.web.headers import Headers, headers_of
from integration.web.login_gate import LoginGate
from integration.web.page_html import AT_ONCE, PageHtml
from integration.web.routes import ROUTES
from integration.web.stream import Stream
from integration.words import repair_command, say, term

LISTENS_SECONDS = 0.3  # delay after start-up until the server listens and a browser can be opened
STOPPED = 5  # exit status, the same as that of the terminal for a setting or connection
OPENERS = {"darwin": ("open",), "win32": ("cmd", "/c", "start", "")}
OF_OTHERS = ("xdg-open",)


class Server:
    """Routes, middleware and life span for an `st.App`."""

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigurationError if others could reach the console without authentication."""
        settings.listen(config.get_option("server.address") or "")
        options.set_options(settings.address)
        folder = Path(file_util.get_static_dir())
        index = (folder / "index.html").read_text(encoding="utf-8")
        self.routes: Sequence[BaseRoute] = ROUTES
        self.middleware = [
            Middleware(Headers, headers=headers_of(f"{index}<script>{AT_ONCE}</script>")),
            Middleware(Guard, policy=HostPolicy(settings.address, settings.is_guarded)),
            Middleware(LoginGate),
            Middleware(Stream),
            Middleware(Compressed),
            Middleware(PageHtml, folder=folder),
        ]

    @asynccontextmanager
    async def lifespan(self, _app: Any) -> AsyncIterator[dict[str, Any] | None]:
        """Start the engine with the server, even if nobody opens a page.

        Browsers load the files of a page meanwhile. What needs the engine waits for it.
        """
        with _explained_errors():
            application = await asyncio.to_thread(bootstrap.opened_application)
        place = application.settings.address or _local_url()
        if key := await asyncio.to_thread(application.people.first_invitation):
            sys.stderr.write(f"{term('first_invitation', link=f'{place}{INVITATION}?key={key}')}\n")
            sys.stderr.flush()
        if _local_url() and config.is_manually_set("server.headless") and not config.get_option("server.headless"):
            asyncio.get_running_loop().call_later(LISTENS_SECONDS, _open_browser, _local_url())
        starting = asyncio.create_task(asyncio.to_thread(_start))
        try:
            yield None
        finally:
            await starting
            await asyncio.to_thread(bootstrap.shut_down)


def _start() -> None:
    """Start the application, or explain the error and end the process."""
    with _explained_errors():
        bootstrap.running_application(on_start=_announce)


def _announce(application: Application) -> None:
    """Publish where this server listens, for programs of this machine."""
    if line := socket_path():
        application.log_access.announce(f"http://{urlsplit(application.settings.address).netloc}", line)
    if place := _local_url():
        application.log_access.announce(place)


def make_server() -> Server:
    """Return the server for the settings. An error prints its sentences and ends the process."""
    os.umask(OTHERS)  # files of the server are readable only for its owner
    # Otherwise, /runs opened first on a fresh server would run that page without the frame of `app.py`.
    PagesManager.uses_pages_directory = False
    # The console has no components of other packages. The search for them reads the metadata of every package.
    setattr(BidiComponentManager, "discover_and_register_components", lambda _manager: None)  # noqa: B010 - a method
    with _explained_errors():
        return Server(load_settings())


@contextmanager
def _explained_errors() -> Iterator[None]:
    try:
        yield
    except IntegrationError as error:
        sentences, command = say(error.code, error.facts), repair_command(error.code, error.facts)
        lines = (sentences.problem, sentences.data, sentences.do, command and f"The command: {command}")
        sys.stderr.writelines(f"{visible(line)}\n" for line in lines if line)
        sys.stderr.flush()
        os._exit(STOPPED)  # nothing runs yet; an exception would print a trace after the sentences


def socket_path() -> str:
    """Return the path of the Unix socket at which the server listens, empty if it listens at a port."""
    address = str(config.get_option("server.address") or "")
    return address.removeprefix(AT_SOCKET) if address.startswith(AT_SOCKET) else ""


def _local_url() -> str:
    """Return the URL of the server for programs of this machine, empty if it listens only at other addresses."""
    host, port = config.get_option("server.address") or "0.0.0.0", config.get_option("server.port")  # noqa: S104 - asked
    if host in ("0.0.0.0", "::", "localhost"):  # noqa: S104 - asked, not bound
        host = "127.0.0.1"
    if not is_loopback(host):
        return ""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _open_browser(address: str) -> None:
    """Open an address in the browser if this machine has such a program. Its output is discarded."""
    program = OPENERS.get(sys.platform, OF_OTHERS)
    if shutil.which(program[0]):
        quiet = subprocess.DEVNULL
        subprocess.Popen([*program, address], env=with_screen(), stdin=quiet, stdout=quiet, stderr=quiet)  # noqa: S603 - our own address
