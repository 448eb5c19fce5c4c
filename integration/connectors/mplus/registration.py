"""Registration of MplusKASSA in the role of the till."""

from collections.abc import Sequence
from typing import Any

from integration.connectors.mplus.settings import SYSTEM, USUAL_ADDRESS, MplusAccess, MplusSettings
from integration.connectors.protocol import Connector, InstallationFacts, SourceTable
from integration.connectors.registration import System
from integration.core.connections import TokenStore
from integration.core.system_roles import SystemRole


def _connect(settings: Any, _: TokenStore, learned: InstallationFacts, __: Sequence[SourceTable]) -> Connector:
    from integration.connectors.mplus.connector import Mplus  # noqa: PLC0415 - it imports zeep, and many processes connect to no system

    return Mplus(settings, learned=learned)


MPLUS = System(
    name="mplus",
    caption=SYSTEM,
    role=SystemRole.TILL,
    access=MplusAccess,
    settings=MplusSettings,
    connects=_connect,
    who="ident",
    secrets=("secret",),
    sign="url",
    required_settings=("url",),
    unconnected="mplus_credentials_rejected",
    identity_check="rights",
    usual_address=USUAL_ADDRESS,
    form=(("url",), ("ident", "secret")),
    asks_port=True,
    folders=("pictures",),
)
