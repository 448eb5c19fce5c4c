"""Registrations of connectors: the fields of the set-up form, and the environment variables."""

from integration.connectors.mplus.registration import MPLUS
from integration.core.connections import EntryField


def test_the_form_has_the_fields_as_the_settings_declare_them() -> None:
    assert MPLUS.entry_fields() == (
        (EntryField("url", secret=False, required=True),),
        (EntryField("ident", secret=False, required=True), EntryField("secret", secret=True, required=True)),
    )
