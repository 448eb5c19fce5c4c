"""Registration of AccountView in the role of the books."""

from integration.connectors.accountview.connector import AccountView
from integration.connectors.accountview.settings import SYSTEM, AccountViewAccess, AccountViewSettings
from integration.connectors.registration import System
from integration.core.system_roles import SystemRole

ACCOUNTVIEW = System(
    name="accountview",
    caption=SYSTEM,
    role=SystemRole.BOOKS,
    access=AccountViewAccess,
    settings=AccountViewSettings,
    connects=lambda settings, keeper, _, reads: AccountView(settings, keeper, reads=reads),
    who="client_id",
    secrets=("client_secret", "refresh_token"),
    sign="company",
    needed=("client_id", "company"),
    unconnected="accountview_login_needed",
    told="company",
    usual_address=AccountViewSettings().url,
    form=(("client_id", "client_secret"), ("url",)),
    has_log_in=True,
)
