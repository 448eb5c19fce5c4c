"""Registrations of connectors: the fields of the set-up form, and the environment variables."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from integration.connectors.limits import Address
from integration.connectors.mplus.registration import MPLUS
from integration.connectors.registration import optional_model
from integration.connectors.system_settings import SystemSettings
from integration.core.connections import EntryField


class Entered(SystemSettings):
    url: Address
    token: SecretStr
    folder: Path | None = None


def test_the_form_has_the_fields_as_the_settings_declare_them() -> None:
    assert MPLUS.entry_fields() == (
        (EntryField("url", secret=False, required=True),),
        (EntryField("ident", secret=False, required=True), EntryField("secret", secret=True, required=True)),
    )


def test_environment_variables_may_be_left_out_and_are_checked_as_the_settings_are() -> None:
    model = optional_model(Entered, "url", "token")

    assert model().model_dump() == {"url": None, "token": None}
    assert model.model_validate({"url": "https://till.example", "token": "t"}).model_dump()["token"] == SecretStr("t")
    with pytest.raises(ValidationError):
        model.model_validate({"url": "http://till.example"})
