"""Registration of MplusKASSA in the role of the till."""

from integration.connectors.mplus.connector import Mplus
from integration.connectors.mplus.settings import SYSTEM, USUAL_ADDRESS, MplusAccess, MplusSettings
from integration.connectors.registration import System
from integration.core.system_roles import SystemRole

MPLUS = System(
    name="mplus",
    caption=SYSTEM,
    role=SystemRole.TILL,
    access=MplusAccess,
    settings=MplusSettings,
    connects=lambda settings, _, learned, __: Mplus(settings, learned=learned),
    who="ident",
    secrets=("secret",),
    sign="url",
    needed=("url",),
    unconnected="mplus_credentials_rejected",
    told="rights",
    usual_address=USUAL_ADDRESS,
    form=(("url",), ("ident", "secret")),
    asks_port=True,
    folders=("pictures",),
)
