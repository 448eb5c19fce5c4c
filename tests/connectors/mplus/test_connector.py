"""The till as a target, against the till in a box: the contract, and what is particular to this system."""

import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from integration.connectors.mplus.connector import Mplus
from integration.core.errors import (
    AccessDeniedError,
    ConnectorError,
    InDoubtError,
    IntegrationError,
    RejectedError,
    UnavailableError,
)
from integration.core.records import Record
from integration.sandbox.server import Sandbox, running
from tests.builders import a_create
from tests.connectors.contract import TargetContract
from tests.connectors.mplus.tills import SECRET, a_till, create, look
from tests.fakes import Links


class TestContract(TargetContract):
    """The contract of every target."""

    @pytest.fixture
    def sandbox(self) -> Iterator[Sandbox]:
        """Systems of its own for each test, since the contract wants an empty target."""
        with running(articles=50, trades=False) as sandbox:
            yield sandbox

    def test_the_same_token_does_not_write_twice(self, connector: Any, product: Record, links: Links) -> None:
        """Article numbers are the key here: the second attempt is refused, whatever its token."""
        first = connector.write(a_create(product), None, links, "t1")
        with pytest.raises(RejectedError, match="article_number_taken"):
            connector.write(a_create(product), None, links, "t1")
        assert connector.lookup([product], links)[product.key].reference == first.reference


class TestContractWithGroupsInTheProduct(TestContract):
    """The same, on a till where memberships are written inside the product."""

    @pytest.fixture
    def connector(self, sandbox: Sandbox) -> Iterator[Mplus]:
        """A connection that writes memberships inside the product."""
        till = a_till(sandbox, membership="product", retire_with="discontinued", leading_price="excl")
        yield till
        till.close()


READ_FAULTS: dict[str, type[ConnectorError] | None] = {
    "cut_before": None, "cut_after": None, "too_many": None, "unavailable": None, "garbage": None, "half": None,
    "html": None, "fault": None, "expired": AccessDeniedError,
}  # fmt: skip


@pytest.mark.parametrize("fault", READ_FAULTS)
def test_a_read_that_fails_once_is_asked_again(
    sandbox: Sandbox, connector: Mplus, links: Links, fault: str, jacket: Record
) -> None:
    held = create(connector, jacket, links)
    kind = READ_FAULTS[fault]
    with sandbox.switches.armed(fault, operation="getProducts"):
        if kind is None:
            assert look(connector, jacket, links) == held
        else:
            with pytest.raises(kind):
                look(connector, jacket, links)


@pytest.mark.parametrize("fault", ["cut_before", "cut_after", "too_many", "unavailable", "half", "fault"])
def test_a_read_that_keeps_failing_says_the_till_is_unavailable(
    sandbox: Sandbox, connector: Mplus, links: Links, fault: str, jacket: Record
) -> None:
    with sandbox.switches.armed(fault, operation="getProducts", times=None), pytest.raises(UnavailableError):
        connector.lookup([jacket], links)


WRITE_FAULTS: dict[str, tuple[type[ConnectorError], bool]] = {
    "cut_before": (InDoubtError, False),
    "cut_after": (InDoubtError, True),
    "unavailable": (UnavailableError, False),
    "garbage": (InDoubtError, True),
    "half": (InDoubtError, True),
    "html": (InDoubtError, False),
    "fault": (InDoubtError, False),
    "expired": (AccessDeniedError, False),
}


@pytest.mark.parametrize("fault", WRITE_FAULTS)
def test_a_write_is_sent_once_and_what_is_not_known_is_in_doubt(
    sandbox: Sandbox, connector: Mplus, links: Links, fault: str, jacket: Record
) -> None:
    kind, took_effect = WRITE_FAULTS[fault]
    with sandbox.switches.armed(fault, operation="createProduct", times=None), pytest.raises(kind) as caught:
        connector.write(a_create(jacket), None, links, "t")
    assert caught.value.facts["key"] == jacket.key
    assert len(sandbox.ledger.writes()) == 1
    assert (jacket.key in connector.lookup([jacket], links)) is took_effect


def test_a_write_the_till_asks_to_send_later_is_sent_later(
    sandbox: Sandbox, connector: Mplus, links: Links, jacket: Record
) -> None:
    with sandbox.switches.armed("too_many", operation="createProduct"):
        assert connector.write(a_create(jacket), None, links, "t").reference


@pytest.mark.parametrize("fault", [*WRITE_FAULTS, "too_many"])
def test_no_error_tells_the_secret(
    sandbox: Sandbox, connector: Mplus, links: Links, fault: str, jacket: Record
) -> None:
    told = ""
    acts = (lambda: connector.lookup([jacket], links), lambda: connector.write(a_create(jacket), None, links, "t"))
    with sandbox.switches.armed(fault, times=None):
        for act in acts:
            try:
                act()
            except IntegrationError as error:
                told += "".join(traceback.format_exception(error)) + repr(error.facts)
    assert told
    assert SECRET not in told
