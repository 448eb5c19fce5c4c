"""The till sandbox, shared by the tests of a file that accept data of other tests."""

import itertools
from collections.abc import Iterator
from decimal import Decimal

import pytest

from integration.connectors.mplus.connector import Mplus
from integration.core.records import Record
from integration.sandbox.server import Sandbox, running
from tests.builders import a_part, a_product
from tests.connectors.mplus.tills import a_till
from tests.fakes import Links


@pytest.fixture(scope="module")
def module_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Both systems with a small shop, shared by the tests of a file, which sets the number of articles."""
    with running(articles=getattr(request.module, "ARTICLES", 50)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(module_sandbox: Sandbox) -> Sandbox:
    """The shared systems, well and with an empty ledger."""
    module_sandbox.switches.disarm()
    module_sandbox.ledger.clear()
    return module_sandbox


@pytest.fixture
def own_sandbox() -> Iterator[Sandbox]:
    """Both systems for one test that changes something at the till."""
    with running(articles=50) as sandbox:
        yield sandbox


@pytest.fixture
def till(sandbox: Sandbox) -> Iterator[Mplus]:
    """A connection to the shared till."""
    connector = a_till(sandbox)
    yield connector
    connector.close()


@pytest.fixture
def connector(sandbox: Sandbox) -> Iterator[Mplus]:
    """A connection that writes memberships by calls."""
    till = a_till(sandbox, membership="calls")
    yield till
    till.close()


@pytest.fixture
def links() -> Links:
    """Links from before: none, until a test adds some."""
    return Links()


SERIALS = itertools.count(9_001)


@pytest.fixture
def serial() -> int:
    """A number no other test uses."""
    return next(SERIALS)


@pytest.fixture
def jacket(serial: int) -> Record:
    """A product with every word of ours and one article, whose number ends in 01."""
    article = a_part(
        f"{serial}01",
        external_id=f"JAS-{serial}",
        invoice_text="Jas rood op factuur",
        receipt_text="Jas rood",
        display_text="Jas",
        text="Warm",
        plu=f"{serial}01",
        ean="8710000000017",
        colour="Rood",
        colour_order=Decimal(1),
        size="M",
        size_order=Decimal(2),
        brand="Gazelle",
        unit="stuk",
        vat_code="2",
        purchase_price=Decimal("8.50"),
        stock_managed=True,
        webshop=True,
        discontinued=False,
    )
    return a_product(f"JAS-{serial}", (article,), text="Een jas")
