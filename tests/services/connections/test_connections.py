"""Both connections: entered settings, the log-in of an operator, and the findings of a check."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from integration.application.application import Application
from integration.connectors.accountview.settings import AccountViewAccess
from integration.connectors.mplus.settings import MplusAccess
from integration.core.errors import AccessDeniedError, ConfigurationError, IntegrationError
from integration.core.run import PreviewRequest
from integration.core.states import RunState
from integration.sandbox.server import Sandbox, running
from tests.consoles import ARTICLES, FAST, causes, open_application, wait_for_run
from tests.people import make_actor
from tests.recording_server import recording_server
from tests.stores import sandbox_of

CALLS_OF_A_CHECK = 53  # of all flows, at ten a second
CALLS_OF_A_START = (36, 9)  # the first, and those after it
BACK = "http://127.0.0.1:8501/setup"


def log_in(application: Application, shop: Sandbox) -> tuple[str, str]:
    """Log in as an operator does: follow the address, allow, and come back. Returns the code and state brought back."""
    return allow_access(
        application,
        application.connections.authorize_address(
            BACK, "sandbox-client", "sandbox-secret", make_actor("test"), shop.accountview_url
        ),
    )


def allow_access(application: Application, address: str) -> tuple[str, str]:
    """Allow the access at the address of a log-in, and come back."""
    with httpx.Client() as browser:
        page = browser.get(address)
        hidden = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
        answer = browser.post(address.partition("?")[0], data={**hidden, "answer": "allow"})
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    code, state = query["code"][0], query["state"][0]
    application.connections.authorized(code, state)
    return code, state


@pytest.mark.parametrize(
    "address",
    [
        "",
        "http://kassa.example/",
        "https://shop:planted@till.example/",
        "file:///etc/passwd",
    ],
)
def test_an_impossible_address_is_refused_before_anything_is_stored(tmp_path: Path, address: str) -> None:
    with open_application(tmp_path, start=False) as application:
        with pytest.raises(ConfigurationError, match="URL"):
            application.connections.connect(
                "mplus", {"url": address, "ident": "shop", "secret": "secret"}, make_actor("test")
            )
        if address:
            with pytest.raises(ConfigurationError, match="URL"):
                application.connections.authorize_address(BACK, "client", "secret", make_actor("test"), address)
        assert not any(status.connected for status in application.connections.statuses())
        assert not application.setup.unfinished_step()


def test_the_check_reports_a_wrong_secret_of_the_till(tmp_path: Path, shop: Sandbox) -> None:
    with open_application(tmp_path, start=False) as application:
        findings = application.connections.connect(
            "mplus", {"url": shop.mplus_url, "ident": "sandbox", "secret": "wrong"}, make_actor("test")
        )

    assert causes(findings) == ["mplus_credentials_rejected"]


def test_the_sandbox_answers_each_question_of_a_start_once_and_one_who_was_there_before_is_asked_for_names_alone(
    tmp_path: Path,
) -> None:
    for max_calls in CALLS_OF_A_START:
        with open_application(tmp_path, sandbox=True, fresh=True) as application:
            ledger = sandbox_of(application).ledger
            assert len(ledger.calls()) <= max_calls
            tables = Counter(call.keys for call in ledger.calls("accountview") if call.operation == "dictionary")
            assert {("ARTICLE ",), ("ART_GRP ",)} <= set(tables)
            assert set(tables.values()) <= {1, 2}  # its columns, and the page without any that ends them


def test_one_check_reads_the_dictionary_of_each_table_once_and_the_next_one_again(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        application.connections.use_sandbox(make_actor("test"))
        ledger = sandbox_of(application).ledger
        for _ in range(2):
            ledger.clear()
            assert all(finding.ok for finding in application.connections.check("accountview"))
            calls = [call.operation for call in ledger.calls("accountview")]
            tables = Counter(call.keys for call in ledger.calls("accountview") if call.operation == "dictionary")

            assert {("ARTICLE ",), ("ART_GRP ",), ("CONTACT ",), ("SO_LINE ",), ("K9_STOCK",)} <= set(tables)
            assert set(tables.values()) <= {1, 2}  # its columns, and the page without any that ends them
            assert calls.count("objects") == 1
            assert len(calls) <= CALLS_OF_A_CHECK


def test_an_operator_logs_in_once_and_chooses_a_company_of_their_own(tmp_path: Path, shop: Sandbox) -> None:
    with open_application(tmp_path, start=False) as application:
        answer = log_in(application, shop)
        with pytest.raises(AccessDeniedError, match="accountview_login_unasked"):
            application.connections.authorized(*answer)
        assert "7f3c" in application.connections.companies()
        assert causes(application.connections.choose_company("nobody", make_actor("test"))) == ["company_not_available"]
        assert causes(application.connections.choose_company("7f3c", make_actor("test"))) == []


@pytest.mark.long
def test_the_whole_set_up_leads_to_a_plan(tmp_path: Path, shop: Sandbox) -> None:
    with open_application(tmp_path) as application:
        log_in(application, shop)
        application.connections.choose_company("7f3c", make_actor("test"))
        application.connections.connect(
            "mplus", {"url": shop.mplus_url, "ident": "sandbox", "secret": "sandbox-secret"}, make_actor("test")
        )
        run = wait_for_run(application, application.runs.preview(PreviewRequest("products", by=make_actor("test"))))

    assert run.state is RunState.READY
    assert shop.ledger.counts()["writes"] == 0


# ---- an access is in force until another one has worked, and a secret goes to whom it was given


def connect_systems(application: Application, shop: Sandbox) -> None:
    log_in(application, shop)
    application.connections.choose_company("7f3c", make_actor("test"))
    application.connections.connect(
        "mplus", {"url": shop.mplus_url, "ident": "sandbox", "secret": "sandbox-secret"}, make_actor("test")
    )
    assert all(status.ok for status in application.connections.statuses())


@pytest.fixture(scope="module")
def connected_shop() -> Iterator[Sandbox]:
    """Both systems of `connected`: a log-in is good for one installation."""
    with running(articles=ARTICLES, trades=False) as both_systems:
        yield both_systems


@pytest.fixture(scope="module")
def connected(tmp_path_factory: pytest.TempPathFactory, connected_shop: Sandbox) -> Iterator[Application]:
    """A console connected to both systems, for tests that leave its access as it was."""
    with open_application(tmp_path_factory.mktemp("connected"), start=False) as application:
        connect_systems(application, connected_shop)
        yield application


def tokens(application: Application) -> dict[str, str]:
    return dict(application.access.connected.get("accountview-tokens") or {})


def secrets_of(application: Application) -> list[bytes]:
    token_pair = tokens(application)
    return [token_pair["access"].encode(), token_pair["refresh"].encode()]


def test_another_address_of_accountview_hears_nothing_of_the_log_in_before(
    connected: Application, connected_shop: Sandbox
) -> None:
    application = connected
    with recording_server() as other:
        before, known_secrets = tokens(application), secrets_of(application)

        application.connections.authorize_address(BACK, "sandbox-client", "new-secret", make_actor("test"), other.url)
        assert causes(application.connections.check("accountview")) == []
        application.connections.companies()

        assert other.requests == []
        assert tokens(application)["refresh"] == before["refresh"]
        assert application.access.access_data("accountview")["url"] == connected_shop.accountview_url
        assert [secret for secret in known_secrets if secret in other.received_bytes] == []


def test_a_log_in_elsewhere_that_is_answered_with_rubbish_leaves_the_access_before(connected: Application) -> None:
    application = connected
    with recording_server() as other:
        before, known_secrets = (
            application.access.access_data("accountview"),
            [*secrets_of(application), b"sandbox-secret"],
        )

        address = application.connections.authorize_address(
            BACK, "other-client", "other-secret", make_actor("test"), other.url
        )
        state = parse_qs(urlsplit(address).query)["state"][0]
        with pytest.raises(IntegrationError):
            application.connections.authorized("planted-code", state)

        assert b"planted-code" in other.received_bytes
        assert [secret for secret in known_secrets if secret in other.received_bytes] == []
        assert application.access.access_data("accountview") == before
        assert causes(application.connections.check("accountview")) == []


def test_a_log_in_elsewhere_is_in_force_once_its_company_has_been_read(tmp_path: Path, shop: Sandbox) -> None:
    with open_application(tmp_path, start=False) as application, running(articles=ARTICLES) as other:
        connect_systems(application, shop)
        log_in(application, other)
        assert application.access.access_data("accountview")["url"] == shop.accountview_url
        assert "7f3c" in application.connections.companies()

        assert causes(application.connections.choose_company("nobody", make_actor("test"))) == ["company_not_available"]
        assert application.access.access_data("accountview")["url"] == shop.accountview_url
        failed = application.connections.failed("accountview")
        assert failed is not None
        assert causes(list(failed.findings)) == ["company_not_available"]
        assert application.connections.last_check("accountview").ok

        assert causes(application.connections.choose_company("7f3c", make_actor("test"))) == []
        assert application.access.access_data("accountview")["url"] == other.accountview_url
        assert application.connections.failed("accountview") is None
        assert causes(application.connections.check("accountview")) == []


def test_a_new_log_in_with_the_same_keys_is_in_force_at_once(tmp_path: Path, shop: Sandbox) -> None:
    with open_application(tmp_path, start=False) as application:
        connect_systems(application, shop)
        before = tokens(application)
        log_in(application, shop)

        assert tokens(application)["refresh"] != before["refresh"]
        assert causes(application.connections.check("accountview")) == []


def test_a_log_in_that_is_refused_leaves_the_access_before(connected: Application, connected_shop: Sandbox) -> None:
    application = connected
    before = tokens(application)
    address = application.connections.authorize_address(
        BACK, "sandbox-client", "wrong", make_actor("test"), connected_shop.accountview_url
    )
    with pytest.raises(AccessDeniedError, match="accountview_client_rejected"):
        allow_access(application, address)
    retry_address = application.connections.authorize_address(
        BACK, "sandbox-client", "wrong", make_actor("test"), connected_shop.accountview_url
    )
    with pytest.raises(AccessDeniedError, match="accountview_login_refused"):
        application.connections.authorized("", parse_qs(urlsplit(retry_address).query)["state"][0])

    assert tokens(application) == before
    assert application.access.access_data("accountview")["client_secret"] == "sandbox-secret"
    assert causes(application.connections.check("accountview")) == []


@pytest.mark.parametrize("wrong", ["secret", "address"])
def test_access_to_the_till_that_does_not_work_leaves_the_one_before(
    connected: Application, connected_shop: Sandbox, wrong: str
) -> None:
    application = connected
    with recording_server() as other:
        url = connected_shop.mplus_url if wrong == "secret" else other.url
        findings = application.connections.connect(
            "mplus", {"url": url, "ident": "sandbox", "secret": "wrong"}, make_actor("test")
        )

        assert causes(findings)
        assert b"sandbox-secret" not in other.received_bytes
        assert application.access.access_data("mplus")["secret"] == "sandbox-secret"
        assert application.connections.last_check("mplus").ok
        assert causes(application.connections.check("mplus")) == []
        assert application.connections.failed("mplus") is None


def test_a_setting_with_another_address_takes_neither_tokens_nor_secrets_along(tmp_path: Path, shop: Sandbox) -> None:
    with open_application(tmp_path, start=False) as application:
        connect_systems(application, shop)
        known_secrets = [*secrets_of(application), b"sandbox-secret"]
    with recording_server() as other:
        books, till = AccountViewAccess(url=other.url), MplusAccess(url=other.url)
        with open_application(tmp_path, start=False, accountview=books, mplus=till) as application:
            assert causes(application.connections.check("accountview")) == ["accountview_login_needed"]
            assert causes(application.connections.check("mplus"))
            assert not application.connections.is_logged_in()
        assert [secret for secret in known_secrets if secret in other.received_bytes] == []
    with open_application(tmp_path, start=False) as application:
        assert causes(application.connections.check("accountview")) == []
        assert causes(application.connections.check("mplus")) == []


def test_tokens_are_good_for_the_keys_and_the_very_address_they_came_with_however_that_is_written(
    tmp_path: Path, shop: Sandbox
) -> None:
    with open_application(tmp_path, start=False) as application:
        connect_systems(application, shop)
    for other_access in (
        AccountViewAccess(client_id="another"),
        AccountViewAccess(url=shop.accountview_url.replace("http://", "https://")),
        AccountViewAccess(url="http://127.0.0.1:9/api/v3"),
    ):
        with open_application(tmp_path, start=False, accountview=other_access) as application:
            assert not application.connections.is_logged_in(), other_access
            assert "client_secret" not in application.access.access_data("accountview")
    same_access = AccountViewAccess(url=shop.accountview_url.replace("http", "HTTP", 1) + "/", per_second=FAST)
    with open_application(tmp_path, start=False, accountview=same_access) as application:
        assert causes(application.connections.check("accountview")) == []


def test_a_row_of_the_database_that_names_another_address_has_no_tokens(tmp_path: Path, shop: Sandbox) -> None:
    with open_application(tmp_path, start=False) as application, recording_server() as other:
        connect_systems(application, shop)
        row = application.access.connected.get("accountview") or {}
        application.access.connected.put("accountview", {**row, "url": other.url, "client_secret": ""})
        application.access.reconnect("accountview")

        assert causes(application.connections.check("accountview")) == ["accountview_login_needed"]
        assert [secret for secret in secrets_of(application) if secret in other.received_bytes] == []


def test_a_secret_of_the_settings_goes_to_no_address_that_is_entered(tmp_path: Path) -> None:
    books = AccountViewAccess.model_validate(
        {"client_id": "sandbox-client", "client_secret": "planted-secret", "refresh_token": "planted-refresh"}
    )
    till = MplusAccess.model_validate({"ident": "sandbox", "secret": "planted-secret"})
    with (
        open_application(tmp_path, start=False, accountview=books, mplus=till) as application,
        recording_server() as other,
    ):
        for entering in (
            lambda: application.connections.authorize_address(
                BACK, "sandbox-client", "x", make_actor("test"), other.url
            ),
            lambda: application.connections.connect(
                "mplus", {"url": other.url, "ident": "sandbox", "secret": "x"}, make_actor("test")
            ),
        ):
            with pytest.raises(ConfigurationError) as caught:
                entering()
            assert caught.value.facts["expected"] == "expected_beside_secret"
        assert other.requests == []


def test_a_refresh_token_of_the_settings_is_used_where_it_was_used_first(tmp_path: Path, shop: Sandbox) -> None:
    credentials = {"client_id": "sandbox-client", "client_secret": "sandbox-secret", "refresh_token": "sandbox-refresh"}
    own_access = AccountViewAccess.model_validate(
        {**credentials, "company": "7f3c", "url": shop.accountview_url, "per_second": FAST}
    )
    with open_application(tmp_path, start=False, accountview=own_access) as application:
        assert causes(application.connections.check("accountview")) == []
    with recording_server() as other:
        other_access = own_access.model_copy(update={"url": other.url})
        with open_application(tmp_path, start=False, accountview=other_access) as application:
            assert causes(application.connections.check("accountview")) == ["accountview_login_needed"]
        assert b"sandbox-refresh" not in other.received_bytes
    with open_application(tmp_path, start=False, accountview=own_access) as application:
        assert causes(application.connections.check("accountview")) == []


def test_a_redirect_takes_no_secret_along(tmp_path: Path) -> None:
    with recording_server() as other, recording_server(redirect=other.url) as leading:
        with open_application(tmp_path, start=False) as application:
            address = application.connections.authorize_address(
                BACK, "client", "planted-secret", make_actor("test"), leading.url
            )
            with pytest.raises(IntegrationError):
                application.connections.authorized("code", parse_qs(urlsplit(address).query)["state"][0])
            assert causes(
                application.connections.connect(
                    "mplus", {"url": leading.url, "ident": "sandbox", "secret": "planted-secret"}, make_actor("test")
                )
            )
        assert b"planted-secret" in leading.received_bytes
        assert other.requests == []


def test_an_address_in_other_letters_is_shown_as_it_is_called(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        address = application.connections.authorize_address(
            BACK, "client", "secret", make_actor("test"), "https://www.аccountview.net/api/v3"
        )
        assert address.startswith("https://www.xn--ccountview-yqi.net/ams/authorize.aspx?")
    books = AccountViewAccess(url="https://www.аccountview.net/api/v3")
    with open_application(tmp_path, start=False, accountview=books) as application:
        assert application.connections.address("accountview") == "https://www.xn--ccountview-yqi.net/api/v3"
