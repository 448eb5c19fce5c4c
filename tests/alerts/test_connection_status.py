"""Connection status follows from the results of real calls, whoever makes the calls."""

from contextlib import suppress
from pathlib import Path

from integration.core.errors import IntegrationError
from integration.core.records import Kind
from integration.sandbox.faults import Fault
from tests.consoles import open_application
from tests.stores import sandbox_of


def test_a_connection_is_red_from_the_first_call_that_is_lost_and_green_from_the_first_answer(tmp_path: Path) -> None:
    with open_application(tmp_path, sandbox=True, fresh=True) as application:
        before = application.connection_monitor.status_of("mplus")
        assert (before.ok, before.cause) == (True, "")
        assert before.answered_at is not None
        assert before.milliseconds is not None

        with sandbox_of(application).switches.armed(Fault.CUT_BEFORE, system="mplus", times=None):
            with suppress(IntegrationError):
                application.access.connector("mplus").fetch(Kind.ORDER, ["1"])
            away = application.connection_monitor.status_of("mplus")
        assert (away.ok, away.cause, away.answered_at) == (False, "connection_cut", before.answered_at)
        assert away.since is not None
        assert away.since > before.answered_at
        assert application.connection_monitor.status_of("accountview").ok

        application.connection_monitor.check("mplus")
        back = application.connection_monitor.status_of("mplus")
        assert (back.ok, back.cause) == (True, "")
        assert back.since is not None
        assert back.since > away.since


def test_a_system_is_called_when_nobody_else_has_called_it_for_a_while(tmp_path: Path) -> None:
    with open_application(tmp_path, sandbox=True, fresh=True) as application:
        answered = application.connection_monitor.status_of("mplus").answered_at
        application.connection_monitor.check("mplus")
        assert application.connection_monitor.status_of("mplus").answered_at == answered  # somebody has

    with open_application(tmp_path, start=False) as application:
        assert [status.ok for status in application.connection_monitor.statuses()] == [None, None]
        application.connection_monitor.check("mplus")  # which is not connected
