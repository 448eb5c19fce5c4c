"""The application as a whole: both systems connected, left, and found again after a restart."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from integration.bootstrap import build
from integration.core.errors import AccessDeniedError, ConfigurationError, PlanStaleError
from integration.core.plan import Approval
from integration.core.run import Mode, PreviewRequest, Run, RunState
from integration.sandbox.server import Sandbox, running
from integration.services import Application
from integration.settings import MplusAccess, load_settings
from tests.consoles import ARTICLES, opened, settled
from tests.stores import stores_in

BACK = "http://127.0.0.1:8501/setup"
Open = Callable[..., Application]


@pytest.fixture
def shop() -> Iterator[Sandbox]:
    """Both systems as somebody else runs them."""
    with running(articles=ARTICLES) as both:
        yield both


def synced(application: Application) -> Run:
    """Preview everything, and commit it where there is something to commit."""
    run = settled(application, application.runs.preview(PreviewRequest("products", by="test", mode=Mode.COMPLETE)))
    if run.state is RunState.READY:
        confirmed = {brake.code: brake.count for brake in run.brakes}
        application.runs.commit(run.id, Approval(run.fingerprint, "test", confirmed=confirmed))
        run = settled(application, run.id)
    return run


def causes(findings: list[Any]) -> list[str]:
    return [one.cause for one in findings if one.ok is False]


def logged_in(application: Application, shop: Sandbox) -> tuple[str, str]:
    """Log in as an operator does: follow the address, allow, and come back. Returns the code and state brought back."""
    address = application.connections.authorize_address(
        BACK, "sandbox-client", "sandbox-secret", "test", shop.accountview_url
    )
    with httpx.Client() as browser:
        page = browser.get(address)
        hidden = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
        answer = browser.post(address.partition("?")[0], data={**hidden, "answer": "allow"})
    told = parse_qs(urlsplit(answer.headers["location"]).query)
    code, state = told["code"][0], told["state"][0]
    application.connections.authorized(code, state)
    return code, state


def test_the_sandbox_is_connected_by_one_call(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application:
        application.connections.use_sandbox("test")

        assert all(status.ok for status in application.connections.statuses())
        assert application.sandbox.is_connected


def test_the_sandbox_can_be_connected_twice(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application:
        application.connections.use_sandbox("test")
        first = application.sandbox.running
        application.connections.use_sandbox("test")

        assert application.sandbox.running is first
        assert all(status.ok for status in application.connections.statuses())


def test_what_was_proven_is_still_there_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path, sandbox=True) as application:
        first = synced(application)
    with opened(tmp_path, sandbox=True) as application:
        second = synced(application)

    assert first.counts.proven > 0
    assert (second.counts.proven, second.counts.unchanged) == (0, first.counts.proven)
    assert second.state is RunState.DONE


def test_the_sandbox_chosen_in_the_console_is_there_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application:
        application.connections.use_sandbox("test")
    with opened(tmp_path) as application:
        assert application.sandbox.is_connected
        assert all(status.ok for status in application.connections.statuses())


def test_two_processes_share_one_sandbox(tmp_path: Path) -> None:
    elsewhere = opened(tmp_path, start=False, owner="another-machine-1")
    with opened(tmp_path, start=False) as server, elsewhere as terminal:
        server.connections.use_sandbox("test")
        terminal.connections.use_sandbox("test")

        assert server.sandbox.running is not None
        assert terminal.sandbox.running is None
        assert terminal.sandbox.is_connected
        assert all(one.ok for one in terminal.connections.check("mplus"))


def test_leaving_the_sandbox_forgets_its_access_and_its_codes(tmp_path: Path, shop: Sandbox) -> None:
    with opened(tmp_path, start=False) as application:
        application.connections.use_sandbox("test")
        assert stores_in(application).rules.tables()["vat_codes"]
        application.connections.connect_mplus(shop.mplus_url, "sandbox", "sandbox-secret", "test")

        assert not application.sandbox.is_connected
        assert not application.connections.of("accountview").connected
        assert not stores_in(application).rules.tables()["vat_codes"]


def test_trying_the_sandbox_costs_nobody_the_real_connection(tmp_path: Path, shop: Sandbox) -> None:
    with opened(tmp_path, start=False) as application:
        application.connections.connect_mplus(shop.mplus_url, "sandbox", "sandbox-secret", "test")
        stores_in(application).rules.set_table("vat_codes", {"1": "77"}, "test")
        application.connections.use_sandbox("test")
        assert stores_in(application).rules.tables()["vat_codes"] != {"1": "77"}
        application.sandbox.leave("test")

        assert application.access.of("mplus")["url"] == shop.mplus_url
        assert stores_in(application).rules.tables()["vat_codes"] == {"1": "77"}


def test_the_sandbox_is_refused_while_a_setting_names_a_real_system(tmp_path: Path) -> None:
    real = MplusAccess(url="https://api.mpluskassa.nl:34562/")
    with (
        opened(tmp_path, start=False, mplus=real, sandbox=True) as application,
        pytest.raises(ConfigurationError) as caught,
    ):
        application.connections.join_sandbox()

    assert caught.value.facts["setting"] == "CONSOLE_MPLUS__URL"


def test_settings_win_over_a_sandbox_chosen_before(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application:
        application.connections.use_sandbox("test")
    with opened(tmp_path, start=False, mplus=MplusAccess(url="https://till.example:1/")) as application:
        application.connections.join_sandbox()

        assert not application.sandbox.is_connected
        assert application.access.of("mplus")["url"] == "https://till.example:1/"


def test_a_wrong_secret_of_the_till_is_found(tmp_path: Path, shop: Sandbox) -> None:
    with opened(tmp_path, start=False) as application:
        findings = application.connections.connect_mplus(shop.mplus_url, "sandbox", "wrong", "test")

    assert causes(findings) == ["mplus_credentials_rejected"]


@pytest.mark.parametrize("address", ["till.example", "http://till.example/", "ftp://till.example/"])
def test_an_address_that_is_none_is_a_finding(tmp_path: Path, address: str) -> None:
    with opened(tmp_path, start=False) as application:
        findings = application.connections.connect_mplus(address, "sandbox", "secret", "test")

    assert causes(findings) == ["setting_invalid"]
    assert findings[0].facts["setting"] == "CONSOLE_MPLUS__URL"


def test_an_operator_logs_in_and_chooses_a_company(tmp_path: Path, shop: Sandbox) -> None:
    with opened(tmp_path, start=False) as application:
        logged_in(application, shop)
        companies = application.connections.companies()
        findings = application.connections.choose_company("7f3c", "test")

    assert "7f3c" in companies
    assert causes(findings) == []


def test_the_answer_to_a_log_in_is_taken_once(tmp_path: Path, shop: Sandbox) -> None:
    with opened(tmp_path, start=False) as application:
        answer = logged_in(application, shop)

        with pytest.raises(AccessDeniedError, match="accountview_login_unasked"):
            application.connections.authorized(*answer)


def test_a_company_that_is_not_ones_own_is_found(tmp_path: Path, shop: Sandbox) -> None:
    with opened(tmp_path, start=False) as application:
        logged_in(application, shop)
        findings = application.connections.choose_company("nobody", "test")

    assert causes(findings) == ["company_not_available"]


def test_the_whole_set_up_leads_to_a_plan(tmp_path: Path, shop: Sandbox) -> None:
    with opened(tmp_path) as application:
        logged_in(application, shop)
        application.connections.choose_company("7f3c", "test")
        application.connections.connect_mplus(shop.mplus_url, "sandbox", "sandbox-secret", "test")
        run = settled(application, application.runs.preview(PreviewRequest("products", by="test")))

    assert run.state is RunState.READY
    assert shop.ledger.counts()["writes"] == 0


def test_the_environment_wins_over_what_is_stored(tmp_path: Path, shop: Sandbox) -> None:
    with opened(tmp_path, start=False) as application:
        application.connections.connect_mplus(shop.mplus_url, "sandbox", "wrong", "test")
    given = load_settings(mplus={"secret": "sandbox-secret"}).mplus
    with opened(tmp_path, start=False, mplus=given) as application:
        assert causes(application.connections.check("mplus")) == []


def test_only_what_is_unambiguous_is_proposed(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application:
        application.connections.use_sandbox("test")
        table = stores_in(application).rules.tables()["vat_codes"]
        ours = application.access.connector("accountview").choices("vat_rates")
        theirs = application.access.connector("mplus").choices("vat_rates")

    rates = list(ours.values())
    assert table
    assert all(ours[code] == theirs[other] for code, other in table.items())
    assert all(rates.count(ours[code]) == 1 for code in table)


def test_an_answered_question_is_not_proposed_again(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application:
        application.connections.use_sandbox("test")
        stores_in(application).rules.set_table("vat_codes", {"1": "9"}, "test")
        application.proposals.fill("test")

        assert stores_in(application).rules.tables()["vat_codes"] == {"1": "9"}


def test_flow_settings_that_cannot_be_used_are_refused_by_name(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application, pytest.raises(ConfigurationError) as caught:
        application.flows.change("products", {"schedule_minutes": "often"}, "test")

    assert caught.value.facts["setting"].endswith("schedule_minutes")


def test_a_plan_nobody_approved_is_not_resumed(tmp_path: Path) -> None:
    with opened(tmp_path, sandbox=True) as application:
        run = settled(application, application.runs.preview(PreviewRequest("products", by="test")))
        with pytest.raises(PlanStaleError):
            application.runs.resume(run.id, by="test")


def test_an_end_in_the_middle_of_a_run_is_no_error_of_the_run(tmp_path: Path, shop: Sandbox) -> None:
    access: dict[str, Any] = {
        "accountview": {"url": shop.accountview_url, "client_id": "sandbox-client", "client_secret": "sandbox-secret",
                        "refresh_token": "sandbox-refresh", "company": "7f3c"},
        "mplus": {"url": shop.mplus_url, "ident": "sandbox", "secret": "sandbox-secret"},
    }  # fmt: skip
    shop.switches.arm("delay", system="accountview", operation="*", times=None, seconds=6)
    settings = load_settings(data=tmp_path, sandbox_articles=ARTICLES, **access)
    application = build(settings).start()
    stores_in(application).rules.set_table("vat_codes", {"1": "1"}, "test")
    run_id = application.runs.preview(PreviewRequest("products", by="test"))
    time.sleep(0.5)
    application.close()
    shop.switches.disarm()

    with opened(tmp_path, **access) as again:
        assert settled(again, run_id).state is RunState.READY


def test_the_log_is_answered_only_with_the_token_of_this_start(tmp_path: Path) -> None:
    with opened(tmp_path) as application:
        assert application.log_access.answer(b"{}", "")[0] == 403
        application.log_access.announce("http://127.0.0.1:1")
        assert application.log_access.answer(b"{}", "guess")[0] == 403
        token = json.loads((tmp_path / "server.json").read_text(encoding="utf-8"))["token"]
        assert application.log_access.answer(b'{"sql": "SELECT 1 AS one", "rows": 1}', token) == (
            200, b'{"columns": ["one"], "rows": [[1]], "cut": false}',
        )  # fmt: skip
        assert application.log_access.answer(b'{"sql": "SELECT", "rows": 1}', token)[0] == 422
        assert application.log_access.answer(b"no question", token)[0] == 400
        assert application.log_access.answer(b"[]", token)[0] == 400
    assert not (tmp_path / "server.json").exists()


def test_a_folder_that_cannot_be_used_is_told_by_its_setting() -> None:
    with pytest.raises(ConfigurationError) as caught:
        build(load_settings(data=Path("/proc/nowhere")))

    assert caught.value.facts["setting"] == "CONSOLE_DATA"


def test_a_database_of_another_make_is_told_by_its_setting(tmp_path: Path) -> None:
    (tmp_path / "console.sqlite").write_text("no database " * 100, encoding="utf-8")

    with pytest.raises(ConfigurationError) as caught:
        build(load_settings(data=tmp_path))

    assert caught.value.facts["setting"] == "CONSOLE_DATA"
