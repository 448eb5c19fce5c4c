"""Both connections: what is entered, a log-in as an operator does it, and what a check finds."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from integration.core.errors import AccessDeniedError, ConfigurationError
from integration.core.run import PreviewRequest, RunState
from integration.sandbox.server import Sandbox
from integration.services import Application
from tests.consoles import causes, opened, settled

BACK = "http://127.0.0.1:8501/setup"


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


@pytest.mark.parametrize(
    "address",
    [
        "https://kassa.example:99999/",
        "https://kassa.example:x/",
        "x",
        "",
        "till.example",
        "ftp://till.example/",
        "https://a b/",
        "http://kassa.example/",
    ],
)
def test_an_address_that_can_be_none_is_refused_before_anything_is_kept(tmp_path: Path, address: str) -> None:
    with opened(tmp_path, start=False) as application:
        with pytest.raises(ConfigurationError, match="URL"):
            application.connections.connect_mplus(address, "shop", "secret", "test")
        if address:
            with pytest.raises(ConfigurationError, match="URL"):
                application.connections.authorize_address(BACK, "client", "secret", "test", address)
        assert not any(status.connected for status in application.connections.statuses())
        assert not application.setup.goes_on()


def test_a_wrong_secret_of_the_till_is_found(tmp_path: Path, shop: Sandbox) -> None:
    with opened(tmp_path, start=False) as application:
        findings = application.connections.connect_mplus(shop.mplus_url, "sandbox", "wrong", "test")

    assert causes(findings) == ["mplus_credentials_rejected"]


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
