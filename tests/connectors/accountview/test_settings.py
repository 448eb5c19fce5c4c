"""Names that do not go together."""

import pytest
from pydantic import ValidationError

from integration.sandbox.server import Sandbox
from tests.builders import accountview_settings


def test_the_code_of_trade_invoices_is_no_use_without_their_tables(sandbox: Sandbox) -> None:
    with pytest.raises(ValidationError, match="expected_invoice_tables"):
        accountview_settings(sandbox, objects={"trade_invoices": {"code": "K9F", "table": "K9_INV"}})
