"""The till of docs/adding-a-system.md, made of the file on that page and of nothing else.

It keeps the contract of a target. It is chosen and connected in the set-up, and products are written to it.
"""

import os
import re
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from integration.application import bootstrap
from integration.application.application import Application
from integration.connectors import systems
from integration.core.errors import ConfigurationError
from integration.core.plan import Action
from integration.core.records import Kind
from integration.core.run import Mode, PreviewRequest
from integration.core.states import RunState
from integration.core.system_roles import SystemRole, assign_roles
from integration.lab.console import CLIENT
from integration.sandbox.server import running
from integration.services.setup import steps
from integration.services.systems.system_choice import SystemChoice
from integration.settings import known_settings
from integration.words import system_name
from tests.connectors.contract import TargetContract
from tests.pages.conftest import ROOT, Open, commit_run, open_page, own_main, texts, wait_for_run
from tests.people import make_actor
from tests.stores import prepare, prepare_engine, stores_in

__all__ = ["open_page", "own_main"]

PAGE = ROOT / "docs" / "adding-a-system.md"
BLOCK = re.compile(r"`(?P<path>integration/connectors/\S+\.py)`[^`]*\n```python\n(?P<text>.*?)```", re.DOTALL)
WHO = make_actor("operator")


def import_page() -> dict[str, Any]:
    """Return the definitions of the file on the page."""
    match = BLOCK.search(PAGE.read_text(encoding="utf-8"))
    assert match is not None
    module = ModuleType("integration.connectors.kiosk.registration")
    sys.modules[module.__name__] = module
    exec(compile(match["text"], match["path"], "exec"), module.__dict__)  # noqa: S102 - our own page
    return module.__dict__


FILE = import_page()
ADDRESS, KEY = "https://kiosk.example", FILE["KEY"]


class TestKiosk(TargetContract):
    @pytest.fixture
    def connector(self) -> Any:
        FILE["SHELVES"].clear()
        return FILE["Kiosk"](FILE["KioskSettings"](url=ADDRESS, kiosk_key=KEY))


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """A console that knows this till too. Its books are connected, its till is not."""
    folder = tmp_path_factory.mktemp("console")
    prepare(folder / "console.sqlite")
    prepare_engine(folder / "engine.sqlite")
    with pytest.MonkeyPatch.context() as patch, running(articles=60, trades=False) as shop:
        patch.chdir(ROOT)
        for name in [name for name in os.environ if name.startswith("CONSOLE_")]:
            patch.delenv(name)
        patch.setitem(systems._SYSTEMS, "kiosk", FILE["KIOSK"])
        patch.setenv("CONSOLE_DATA", str(folder))
        for name, value in {"url": shop.accountview_url, **CLIENT}.items():
            patch.setenv(f"CONSOLE_ACCOUNTVIEW__{name.upper()}", str(value))
        FILE["SHELVES"].clear()
        bootstrap.shut_down()
        yield bootstrap.running_application()
        bootstrap.shut_down()
    assign_roles(systems.default_systems())


@pytest.fixture(scope="module")
def application_with_kiosk(app: Application) -> Application:
    """The console once the till has been chosen and connected in the set-up."""
    app.connections.choose_system(SystemRole.TILL, "kiosk", WHO)
    assert all(finding.ok for finding in app.connections.connect("kiosk", {"url": ADDRESS, "kiosk_key": KEY}, WHO))
    return app


def test_it_is_chosen_and_connected_in_the_set_up(app: Application, open_page: Open) -> None:
    test = open_page("setup", step="mplus")
    test = test.selectbox(key="system-till").set_value("kiosk").run()

    assert not test.exception
    assert steps()[:2] == ("accountview", "kiosk")
    assert "Connect Kiosk" in texts(test)
    assert [field.label for field in test.text_input] == ["Address", "Kiosk key"]
    assert test.text_input[1].proto.type == test.text_input[1].proto.PASSWORD

    test = next(button for button in test.button if button.label == "Check the connection").click().run()
    assert "Fill in Address and Kiosk key" in texts(test)

    test.text_input[0].set_value(ADDRESS)
    test.text_input[1].set_value("hush-hush-key")
    test = next(button for button in test.button if button.label == "Check the connection").click().run()
    assert "unknown key" in texts(test)
    assert "hush-hush-key" not in texts(test)

    test.text_input[0].set_value(ADDRESS)
    test.text_input[1].set_value(KEY)
    test = next(button for button in test.button if button.label == "Check the connection").click().run()
    assert not test.exception
    assert "the kiosk at the corner" in texts(test)
    assert (app.connections.last_check("kiosk").ok, app.setup.completed_steps()["kiosk"]) == (True, True)


def test_its_settings_are_settings_of_the_console(app: Application) -> None:
    names = {setting.name for setting in known_settings()}
    assert {"CONSOLE_KIOSK__URL", "CONSOLE_KIOSK__KIOSK_KEY"} <= names
    assert app.settings.access("kiosk").url is None


def test_products_are_previewed_committed_and_proven_at_it(
    application_with_kiosk: Application, open_page: Open
) -> None:
    app = application_with_kiosk
    plan = wait_for_run(app, app.runs.preview(PreviewRequest("products", WHO, Mode.COMPLETE)))
    assert (plan.state, plan.error) == (RunState.READY, ""), plan.facts
    test = open_page("preview", flow="products", plan=plan.id)
    assert not test.exception
    assert "Kiosk" in texts(test)

    run = commit_run(app, plan)

    products = [record for (kind, _), (record, _) in FILE["SHELVES"][ADDRESS].records.items() if kind is Kind.PRODUCT]
    assert run.counts.proven > 20
    assert run.counts.difference == 0
    assert products
    second_run = wait_for_run(app, app.runs.preview(PreviewRequest("products", WHO, Mode.COMPLETE)))
    assert second_run.counts.unchanged == run.counts.proven
    assert {row.action for row in app.plans.rows(second_run.id, limit=100)} <= {Action.PARK, Action.SKIP}


def test_it_keeps_its_role_once_records_are_linked_with_it(application_with_kiosk: Application) -> None:
    if not stores_in(application_with_kiosk).links.kinds("products"):
        commit_run(
            application_with_kiosk,
            wait_for_run(
                application_with_kiosk,
                application_with_kiosk.runs.preview(PreviewRequest("products", WHO, Mode.COMPLETE)),
            ),
        )
    with pytest.raises(ConfigurationError, match="role_in_use"):
        application_with_kiosk.connections.choose_system(SystemRole.TILL, "mplus", WHO)
    assert (SystemRole.TILL.system, system_name(SystemRole.TILL.system)) == ("kiosk", "Kiosk")


def test_a_system_that_cannot_have_a_role_is_refused(app: Application) -> None:
    with pytest.raises(KeyError):
        app.connections.choose_system(SystemRole.TILL, "accountview", WHO)


def test_a_chosen_system_that_is_gone_leaves_the_role_to_the_first(
    application_with_kiosk: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(systems._SYSTEMS, "kiosk")
    assert SystemChoice(stores_in(application_with_kiosk).settings).chosen_systems()[SystemRole.TILL] == "mplus"


def test_no_file_of_the_console_knows_it() -> None:
    files = [*ROOT.glob("*.py"), *(ROOT / "data").rglob("*.toml"), *(ROOT / "data").rglob("*.csv")]
    files += [file for folder in ("integration", "pages") for file in (ROOT / folder).rglob("*.py")]

    word = re.compile(r"\bkiosk\b", re.IGNORECASE)
    assert [file.name for file in files if word.search(file.read_text(encoding="utf-8"))] == []
