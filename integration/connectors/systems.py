"""Registry of the systems: the role, settings and connector of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from integration.connectors.accountview.settings import SYSTEM as ACCOUNTVIEW
from integration.connectors.accountview.settings import AccountViewAccess, AccountViewSettings
from integration.connectors.mplus.settings import SYSTEM as MPLUS
from integration.connectors.mplus.settings import USUAL_ADDRESS, MplusAccess, MplusSettings
from integration.connectors.protocol import Connector, InstallationFacts, SourceTable
from integration.core.connections import TokenStore, parse_address


class SystemRole(StrEnum):
    """The role that a system has in a flow."""

    BOOKS = "books"
    TILL = "till"


@dataclass(frozen=True, slots=True)
class System:
    """One system and how to connect it; flows and stored data refer to it by `name`.

    `access` is the model of the environment variables of the system. `connects` builds a connector from checked
    settings, the keeper of its tokens, the stored facts of the installation, and the tables of additional kinds that
    flows define. `who` is the setting with our account there, `secrets` are the settings that prove it. The system is
    connected once the setting `sign` has a value, and a connector can be built once all of `needed` have one; between
    the two, `unconnected` is the error code. `told` is the step of the connection check that shows to whom we are
    connected. `folders` are settings that nobody enters: each is the folder of that name in the data of the console.
    """

    name: str
    caption: str
    role: SystemRole
    access: type[BaseModel]
    settings: type[BaseModel]
    connects: Callable[[Any, TokenStore, InstallationFacts, Sequence[SourceTable]], Connector]
    who: str
    secrets: tuple[str, ...]
    sign: str
    needed: tuple[str, ...]
    unconnected: str
    told: str
    usual_address: str
    folders: tuple[str, ...] = ()

    def is_connected(self, access: Mapping[str, Any]) -> bool:
        """Return True if the settings name a connection. Says nothing about whether the system answers."""
        return bool(access.get(self.sign))

    def secret_recipient(self, access: Mapping[str, Any]) -> str:
        """Return the recipient of a secret with this access: our account, and the address of the system."""
        url = str(access.get("url") or self.usual_address)
        address = parse_address(url)
        return f"{access.get(self.who) or ''} at {url if address is None else address.canonical_address}"

    def can_be_asked(self, access: Mapping[str, Any]) -> bool:
        """Return True if a connector can be built."""
        return all(access.get(name) for name in self.needed)


def _accountview(settings: Any, keeper: TokenStore, _: InstallationFacts, reads: Sequence[SourceTable]) -> Connector:
    from integration.connectors.accountview.connector import AccountView  # noqa: PLC0415 - many processes connect to no system

    return AccountView(settings, keeper, reads=reads)


def _mplus(settings: Any, _: TokenStore, learned: InstallationFacts, __: Sequence[SourceTable]) -> Connector:
    from integration.connectors.mplus.connector import Mplus  # noqa: PLC0415 - likewise; it imports zeep

    return Mplus(settings, learned=learned)


# Every system by its name. Another till needs its own folder and a registration here.
SYSTEMS: Mapping[str, System] = {
    one.name: one
    for one in (
        System(
            name="accountview",
            caption=ACCOUNTVIEW,
            role=SystemRole.BOOKS,
            access=AccountViewAccess,
            settings=AccountViewSettings,
            connects=_accountview,
            who="client_id",
            secrets=("client_secret", "refresh_token"),
            sign="company",
            needed=("client_id", "company"),
            unconnected="accountview_login_needed",
            told="company",
            usual_address=AccountViewSettings().url,
        ),
        System(
            name="mplus",
            caption=MPLUS,
            role=SystemRole.TILL,
            access=MplusAccess,
            settings=MplusSettings,
            connects=_mplus,
            who="ident",
            secrets=("secret",),
            sign="url",
            needed=("url",),
            unconnected="mplus_credentials_rejected",
            told="rights",
            usual_address=USUAL_ADDRESS,
            folders=("pictures",),
        ),
    )
}
