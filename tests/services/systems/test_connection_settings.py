"""Settings of both connections: entered, overruled by the environment, and those of the built-in systems."""

from pathlib import Path

import pytest

from integration.connectors.mplus.connector import Mplus
from integration.connectors.mplus.settings import MplusAccess
from integration.core.errors import ConfigurationError
from integration.sandbox.server import Sandbox
from integration.services.systems.connection_settings import StoredInstallationFacts
from integration.settings import load_settings
from tests.consoles import causes, open_application
from tests.people import make_actor
from tests.stores import stores_in


def test_the_environment_wins_over_what_is_stored(tmp_path: Path, shop: Sandbox) -> None:
    with open_application(tmp_path, start=False) as application:
        application.connections.connect(
            "mplus", {"url": shop.mplus_url, "ident": "sandbox", "secret": "wrong"}, make_actor("test")
        )
    access_settings = load_settings(mplus={"secret": "sandbox-secret"}).access("mplus")
    with open_application(tmp_path, start=False, mplus=access_settings) as application:
        assert causes(application.connections.check("mplus")) == []


def test_a_system_that_shares_a_folder_with_the_console_gets_it_whatever_was_entered(
    tmp_path: Path, shop: Sandbox
) -> None:
    with open_application(tmp_path, start=False) as application:
        application.connections.connect(
            "mplus", {"url": shop.mplus_url, "ident": "sandbox", "secret": "sandbox-secret"}, make_actor("test")
        )
        till = application.access.connector("mplus")
        assert isinstance(till, Mplus)
        assert till.settings.pictures == application.settings.data / "pictures"


def test_what_was_found_out_of_one_installation_is_not_said_of_another(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        connection_store = application.access.connected
        own_facts, other_facts = (
            StoredInstallationFacts(connection_store, "mplus-learned", place)
            for place in ("i at here:1", "i at there:1")
        )
        own_facts.put({"stock_sets": "free"})
        assert StoredInstallationFacts(connection_store, "mplus-learned", "i at here:1").get() == {"stock_sets": "free"}
        assert other_facts.get() == {}
        other_facts.put({"stock_sets": "free_and_reserved"})
        assert own_facts.get() == {}


def test_the_sandbox_is_connected_by_one_call(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        application.connections.use_sandbox(make_actor("test"))

        assert all(status.ok for status in application.connections.statuses())
        assert application.sandbox.is_connected


@pytest.mark.long
def test_the_sandbox_can_be_connected_twice(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        application.connections.use_sandbox(make_actor("test"))
        first = application.sandbox.running
        application.connections.use_sandbox(make_actor("test"))

        assert application.sandbox.running is first
        assert all(status.ok for status in application.connections.statuses())


def test_the_sandbox_chosen_in_the_console_is_there_after_a_restart(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        application.connections.use_sandbox(make_actor("test"))
    with open_application(tmp_path) as application:
        assert application.sandbox.is_connected
        assert all(status.connected for status in application.connections.statuses())


def test_two_processes_share_one_sandbox(tmp_path: Path) -> None:
    elsewhere = open_application(tmp_path, start=False, owner="another-machine-1")
    with open_application(tmp_path, start=False) as server, elsewhere as terminal:
        server.connections.use_sandbox(make_actor("test"))
        terminal.connections.use_sandbox(make_actor("test"))

        assert server.sandbox.running is not None
        assert terminal.sandbox.running is None
        assert terminal.sandbox.is_connected
        assert all(finding.ok for finding in terminal.connections.check("mplus"))


def test_leaving_the_sandbox_forgets_its_access_and_its_codes(tmp_path: Path, shop: Sandbox) -> None:
    with open_application(tmp_path, start=False) as application:
        application.connections.use_sandbox(make_actor("test"))
        assert stores_in(application).rules.tables()["vat_codes"]
        application.connections.connect(
            "mplus", {"url": shop.mplus_url, "ident": "sandbox", "secret": "sandbox-secret"}, make_actor("test")
        )

        assert not application.sandbox.is_connected
        assert not application.connections.last_check("accountview").connected
        assert not stores_in(application).rules.tables()["vat_codes"]


def test_trying_the_sandbox_costs_nobody_the_real_connection(tmp_path: Path, shop: Sandbox) -> None:
    with open_application(tmp_path, start=False) as application:
        application.connections.connect(
            "mplus", {"url": shop.mplus_url, "ident": "sandbox", "secret": "sandbox-secret"}, make_actor("test")
        )
        stores_in(application).rules.set_table("vat_codes", {"1": "77"}, "test")
        application.connections.use_sandbox(make_actor("test"))
        assert stores_in(application).rules.tables()["vat_codes"] != {"1": "77"}
        application.sandbox.leave("test")

        assert application.access.access_data("mplus")["url"] == shop.mplus_url
        assert stores_in(application).rules.tables()["vat_codes"] == {"1": "77"}


def test_the_sandbox_is_refused_while_a_setting_names_a_real_system(tmp_path: Path) -> None:
    real = MplusAccess(url="https://api.mpluskassa.nl:34562/")
    with (
        open_application(tmp_path, start=False, mplus=real, sandbox=True) as application,
        pytest.raises(ConfigurationError) as caught,
    ):
        application.connections.join_sandbox()

    assert caught.value.facts["setting"] == "CONSOLE_MPLUS__URL"


def test_settings_win_over_a_sandbox_chosen_before(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        application.connections.use_sandbox(make_actor("test"))
    with open_application(tmp_path, start=False, mplus=MplusAccess(url="https://till.example:1/")) as application:
        application.connections.join_sandbox()

        assert not application.sandbox.is_connected
        assert application.access.access_data("mplus")["url"] == "https://till.example:1/"
