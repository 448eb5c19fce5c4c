"""A console of one's own for the pages: the real application on fresh files, with the built-in sandbox on request."""

import html
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from streamlit import config
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.testing.v1 import AppTest, app_test

from integration import bootstrap
from integration.core.plan import Approval
from integration.core.run import ACTIVE, PreviewRequest, Run
from integration.services import Application
from tests.patience import SECONDS, until

ROOT = Path(__file__).parent.parent.parent

PARTLY_KNOWN = 400  # articles of the smallest shop that the till partly knows

Open = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def scripts() -> Iterator[None]:
    """Remove the folder of scripts that Streamlit would leave to the end of the process, which warns of it."""
    yield
    app_test.TMP_DIR.cleanup()


@pytest.fixture(autouse=True)
def own_main() -> Iterator[None]:
    """Put the main module back: Streamlit leaves its script there, and every process forked later would run it."""
    main = sys.modules["__main__"]
    config.set_option("client.showErrorDetails", "full")  # whoever reads a test may see a trace
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    """A new installation: nothing is connected."""
    yield from console_on(tmp_path, monkeypatch, sandbox="false")


@pytest.fixture(scope="module")
def connected(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """An installation with the sandbox connected, shared by the tests of a module, which may say how large it is."""
    articles = getattr(request.module, "ARTICLES", PARTLY_KNOWN)
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from console_on(tmp_path_factory.mktemp("console"), monkeypatch, sandbox="true", articles=articles)


def console_on(
    data: Path, monkeypatch: pytest.MonkeyPatch, sandbox: str, articles: int = PARTLY_KNOWN
) -> Iterator[Application]:
    """Yield the application of this process on a folder, with the sandbox or without."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("CONSOLE_DATA", str(data))
    monkeypatch.setenv("CONSOLE_SANDBOX", sandbox)
    monkeypatch.setenv("CONSOLE_SANDBOX_ARTICLES", str(articles))
    bootstrap.shut_down()
    yield bootstrap.application()
    bootstrap.shut_down()


@cache
def _installed() -> BidiComponentManager:
    components = BidiComponentManager()
    components.discover_and_register_components(start_file_watching=False)
    return components


def script(name: str) -> AppTest:
    """Return a script of the console, to be run. It is told what is installed, or it would read every package anew."""
    test = AppTest.from_file(str(ROOT / name), default_timeout=SECONDS)
    test._bidi_component_manager = _installed()
    return test


@pytest.fixture
def open_page() -> Open:
    """Open a page at its address, or the frame with the page that it opens by itself."""

    def opened(name: str = "", **address: str) -> AppTest:
        test = script("app.py")
        for key, value in address.items():
            test.query_params[key] = value
        if name:
            test.session_state["framed"] = True  # Streamlit would have to draw the frame and the overview before
            test.switch_page(f"pages/{name}.py")
        return test.run()

    return opened


def settled(app: Application, run_id: str) -> Run:
    """Wait until a run is no longer at work."""
    until(lambda: app.runs.get(run_id).state not in ACTIVE, "the end of the run", pause=0.05)
    return app.runs.get(run_id)


def previewed(app: Application) -> Run:
    """Make a preview of products and wait for it."""
    return settled(app, app.runs.preview(PreviewRequest("products", "test")))


def committed(app: Application, run: Run) -> Run:
    """Commit a plan as it is and wait for its end."""
    confirmed = {brake.code: brake.count for brake in run.brakes}
    app.runs.commit(run.id, Approval(run.fingerprint, "test", confirmed=confirmed))
    return settled(app, run.id)


def texts(test: AppTest) -> str:
    """Return everything a page says, as one text."""
    elements = [*test.title, *test.subheader, *test.markdown, *test.metric]
    said = [*(str(element.value) for element in elements), *(button.label for button in test.button)]
    return html.unescape("\n".join(said))


def press(test: AppTest, key: str) -> AppTest:
    """Press the button of this key."""
    return test.button(key=key).click().run()
