"""A console of one's own for the pages: the real application on fresh files, with the built-in sandbox on request."""

import html
import logging
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from streamlit import config
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.testing.v1 import AppTest, app_test, local_script_runner

from integration.application import bootstrap
from integration.application.application import Application
from integration.core.plan import Approval
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.states import ACTIVE, RunState
from tests.consoles import prepare_joined
from tests.people import make_actor
from tests.stores import prepare, prepare_engine
from tests.timeouts import SECONDS, wait_until

ROOT = Path(__file__).parent.parent.parent

# It warns of each look at a session from outside of a script, which tests take all the time.
logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").disabled = True

ARTICLES = 60  # of a shop that is enough for most pages

Open = Callable[..., AppTest]


_stop_late_script = local_script_runner.require_widgets_deltas


def _wait_for_script(runner: local_script_runner.LocalScriptRunner, timeout: float = SECONDS) -> None:
    """Wait for the thread of a script. Streamlit looks a thousand times a second whether it has ended."""
    assert runner._script_thread is not None
    runner._script_thread.join(timeout)
    if runner._script_thread.is_alive():
        _stop_late_script(runner, 0)


local_script_runner.require_widgets_deltas = _wait_for_script


@pytest.fixture(scope="session", autouse=True)
def scripts() -> Iterator[None]:
    """Remove the scripts folder of Streamlit, which warns if the folder remains until the process ends."""
    yield
    app_test.TMP_DIR.cleanup()


@pytest.fixture(autouse=True)
def own_main() -> Iterator[None]:
    """Restore the main module: Streamlit leaves its script there, and each forked process would run the script."""
    main = sys.modules["__main__"]
    config.set_option("client.showErrorDetails", "full")  # whoever reads a test may see a trace
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    """A new installation: nothing is connected."""
    yield from console_on(tmp_path, monkeypatch, sandbox="false")


@pytest.fixture(scope="module")
def unconnected_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of an installation that the tests of a module share."""
    yield tmp_path_factory.mktemp("unconnected")
    bootstrap.shut_down()


@pytest.fixture
def unconnected_application(unconnected_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Application:
    """An installation without connections, shared by tests that leave no other data behind.

    It is begun anew only where another one was at work in between.
    """
    _set_environment(unconnected_folder, monkeypatch, "false", ARTICLES)
    if bootstrap.running_application(serves=False).settings.data != unconnected_folder:
        bootstrap.shut_down()
    application = bootstrap.running_application(serves=False)
    application.access.forget("test")
    return application


@pytest.fixture(scope="module")
def connected_application(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Application]:
    """An installation with the sandbox connected, shared by the tests of a module, which may say how large it is.

    A module may also say that it serves: it writes the log all the time, as the process that users meet.
    """
    articles, serves = getattr(request.module, "ARTICLES", ARTICLES), getattr(request.module, "SERVES", False)
    with pytest.MonkeyPatch.context() as monkeypatch:
        data = tmp_path_factory.mktemp("console")
        yield from console_on(data, monkeypatch, sandbox="true", articles=articles, serves=serves)


def console_on(
    data: Path, monkeypatch: pytest.MonkeyPatch, sandbox: str, articles: int = ARTICLES, *, serves: bool = False
) -> Iterator[Application]:
    """Yield the application of this process on a folder, with the sandbox or without.

    One that does not serve brings its events into the log when a page asks about them: `open_application`
    in `tests/consoles.py`.
    """
    _set_environment(data, monkeypatch, sandbox, articles)
    bootstrap.shut_down()
    if sandbox == "true":
        prepare_joined(data, articles)
    prepare(data / "console.sqlite")
    prepare_engine(data / "engine.sqlite")
    yield bootstrap.running_application(serves=serves)
    bootstrap.shut_down()


def _set_environment(data: Path, monkeypatch: pytest.MonkeyPatch, sandbox: str, articles: int) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("CONSOLE_DATA", str(data))
    monkeypatch.setenv("CONSOLE_SANDBOX", sandbox)
    monkeypatch.setenv("CONSOLE_SANDBOX_ARTICLES", str(articles))


@cache
def _installed_components() -> BidiComponentManager:
    components = BidiComponentManager()
    components.discover_and_register_components(start_file_watching=False)
    return components


def script(name: str) -> AppTest:
    """Return a runnable script of the console, with the installed components, which are not searched again."""
    test = AppTest.from_file(str(ROOT / name), default_timeout=SECONDS)
    test._bidi_component_manager = _installed_components()
    return test


@pytest.fixture
def open_page() -> Open:
    """Return a function that opens a page at its address, or the frame with its first page."""

    def open_named_page(name: str = "", **address: str) -> AppTest:
        test = script("app.py")
        for key, value in address.items():
            test.query_params[key] = value
        if name:
            test.session_state["framed"] = True  # Streamlit would have to draw the frame and the overview before
            test.switch_page(f"pages/{name}.py")
        return test.run()

    return open_named_page


def wait_for_run(app: Application, run_id: str) -> Run:
    """Wait until a run is no longer at work."""
    wait_until(lambda: app.runs.get(run_id).state not in ACTIVE, "the end of the run", pause=0.05)
    return app.runs.get(run_id)


def preview_products(app: Application) -> Run:
    """Make a preview of products and wait for it."""
    return wait_for_run(app, app.runs.preview(PreviewRequest("products", make_actor("test"))))


@pytest.fixture
def waiting_plan(connected_application: Application) -> Run:
    """A plan of products that waits, for who only looks: that of an earlier test where it still does."""
    for run in connected_application.runs.latest("products", limit=1):
        if run.state is RunState.READY:
            return run
    return preview_products(connected_application)


def commit_run(app: Application, run: Run) -> Run:
    """Commit a plan as it is and wait for its end."""
    confirmed = {brake.code: brake.count for brake in run.brakes}
    app.runs.commit(run.id, Approval(run.mark, "test", confirmed=confirmed))
    return wait_for_run(app, run.id)


def forbid_product_changes(app: Application) -> None:
    """Commit one product, and set the limit so that every later plan of products exceeds it."""
    request = PreviewRequest("products", make_actor("test"), Mode.CHOSEN, ("10011",))
    run = wait_for_run(app, app.runs.preview(request))
    assert run.state is RunState.DONE or commit_run(app, run).state is RunState.DONE
    app.flows.change("products", {"brakes": {"changes": 0}}, make_actor("test"))


def texts(test: AppTest) -> str:
    """Return all texts of a page as one text."""
    elements = [*test.title, *test.header, *test.markdown, *test.metric]
    parts = [*(str(element.value) for element in elements), *(button.label for button in test.button)]
    return html.unescape("\n".join(parts))


def press(test: AppTest, key: str) -> AppTest:
    """Press the button of this key."""
    return test.button(key=key).click().run()
