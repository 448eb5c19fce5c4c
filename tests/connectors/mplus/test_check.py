"""A check of the connection to the till, line by line."""

import socket
from typing import Any

import pytest
from pydantic import SecretStr

from integration.connectors.mplus.connector import Mplus
from integration.core.connections import Finding
from integration.sandbox.server import Sandbox
from tests.connectors.mplus.tills import a_till


def outcome(findings: list[Finding]) -> list[tuple[str, bool | None, str]]:
    """Return the lines of a connection check."""
    return [(finding.name, finding.ok, finding.cause) for finding in findings]


def test_a_check_that_is_well_names_version_and_branches(connector: Mplus) -> None:
    findings = {finding.name: finding for finding in connector.check()}
    assert list(findings) == ["host", "certificate", "credentials", "version", "rights", "prices"]
    assert all(finding.ok for finding in findings.values())
    assert findings["version"].about.count(".") == 2
    assert findings["rights"].about
    assert findings["prices"].about == "answered"


def test_a_check_says_whether_the_till_answers_what_a_customer_pays(sandbox: Sandbox) -> None:
    quiet = a_till(sandbox, determine_pricing=False)
    assert [(finding.ok, finding.about) for finding in quiet.check() if finding.name == "prices"] == [
        (True, "not_asked")
    ]
    quiet.close()
    sandbox.till.edit("conventions", "unknown_operations", {"value": ["determinePricing"]})
    without = a_till(sandbox)
    assert [(finding.ok, finding.about) for finding in without.check() if finding.name == "prices"] == [
        (True, "not_answered")
    ]
    without.close()
    sandbox.till.edit("conventions", "unknown_operations", {"value": []})


@pytest.mark.parametrize(
    ("changes", "failing", "cause"),
    [
        ({"secret": SecretStr("wrong")}, "credentials", "mplus_credentials_rejected"),
        ({"minimum_version": "999.0.0"}, "version", "version_too_old"),
    ],
)
def test_a_check_stops_at_the_first_thing_that_is_wrong(
    sandbox: Sandbox, changes: dict[str, Any], failing: str, cause: str
) -> None:
    till = a_till(sandbox, **changes)
    lines = outcome(till.check())
    place = [name for name, _, _ in lines].index(failing)
    assert [ok for _, ok, _ in lines] == [True] * place + [False] + [None] * (len(lines) - place - 1)
    assert lines[place][2] == cause
    till.close()


def test_a_check_says_that_nobody_listens(sandbox: Sandbox) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        till = a_till(sandbox, url=f"http://127.0.0.1:{free.getsockname()[1]}/")
        assert outcome(till.check())[0] == ("host", False, "connection_refused")
        till.close()


def test_a_check_says_that_something_else_answers_at_the_address(sandbox: Sandbox) -> None:
    till = a_till(sandbox, url=sandbox.accountview_url.replace("/api/v3", "/"))
    assert outcome(till.check())[0] == ("host", False, "address_not_api")
    till.close()
