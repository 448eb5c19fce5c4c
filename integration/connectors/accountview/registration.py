"""Registration of AccountView in the role of the books."""

from collections.abc import Sequence
from typing import Any

from integration.connectors.accountview.settings import SYSTEM, AccountViewAccess, AccountViewSettings
from integration.connectors.protocol import Connector, InstallationFacts, SourceTable
from integration.connectors.registration import System
from integration.core.connections import TokenStore
from integration.core.system_roles import SystemRole


def _connect(settings: Any, keeper: TokenStore, _: InstallationFacts, reads: Sequence[SourceTable]) -> Connector:
    from integration.connectors.accountview.connector import AccountView  # noqa: PLC0415 - many processes connect to no system

    return AccountView(settings, keeper, reads=reads)


ACCOUNTVIEW = System(
    name="accountview",
    caption=SYSTEM,
    role=SystemRole.BOOKS,
    access=AccountViewAccess,
    settings=AccountViewSettings,
    connects=_connect,
    who="client_id",
    secrets=("client_secret", "refresh_token"),
    sign="company",
    required_settings=("client_id", "company"),
    unconnected="accountview_login_needed",
    identity_check="company",
    usual_address=AccountViewSettings().url,
    form=(("client_id", "client_secret"), ("url",)),
    has_log_in=True,
)
