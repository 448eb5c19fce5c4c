"""The systems there are: what each is for a flow, how it is called, configured and connected."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from integration.connectors.accountview.connector import AccountView
from integration.connectors.accountview.settings import SYSTEM as ACCOUNTVIEW
from integration.connectors.accountview.settings import AccountViewAccess, AccountViewSettings
from integration.connectors.mplus.connector import Mplus
from integration.connectors.mplus.settings import SYSTEM as MPLUS
from integration.connectors.mplus.settings import USUAL_ADDRESS, MplusAccess, MplusSettings
from integration.connectors.protocol import Connector, InstallationFacts, SourceTable
from integration.core.connections import TokenKeeper, parse_address


class SystemRole(StrEnum):
    """What a system is where a flow speaks of it."""

    BOOKS = "books"
    TILL = "till"


@dataclass(frozen=True, slots=True)
class System:
    """One system and what it takes to connect it; a flow and everything stored know it by `name`.

    `access` is what the environment may say of it. `connects` builds a connector of checked settings, the keeper of its
    log-in, what it found out before, and where it has kinds of record that flows bring. `who` is the setting that says
    who we are there, `secrets` are those that prove it. It is connected once the setting `sign` has a value and can be
    asked once all of `needed` have one; between the two, `unconnected` is the cause. `told` is the line of the check
    that says to whom we are connected. `folders` are settings that no person gives: each is the folder of that name
    among the data of the console.
    """

    name: str
    caption: str
    role: SystemRole
    access: type[BaseModel]
    settings: type[BaseModel]
    connects: Callable[[Any, TokenKeeper, InstallationFacts, Sequence[SourceTable]], Connector]
    who: str
    secrets: tuple[str, ...]
    sign: str
    needed: tuple[str, ...]
    unconnected: str
    told: str
    usual_address: str
    folders: tuple[str, ...] = ()

    def is_connected(self, access: Mapping[str, Any]) -> bool:
        """Tell whether there is what it takes to speak to the system; says nothing about whether it answers."""
        return bool(access.get(self.sign))

    def given_for(self, access: Mapping[str, Any]) -> str:
        """Return to whom a secret is given with this access: where the system is, and who we are there."""
        url = str(access.get("url") or self.usual_address)
        address = parse_address(url)
        return f"{access.get(self.who) or ''} at {url if address is None else address.spot}"

    def can_be_asked(self, access: Mapping[str, Any]) -> bool:
        """Tell whether a connector can be built."""
        return all(access.get(name) for name in self.needed)


# Every system by its name. Another till is a folder and its registration here.
SYSTEMS: Mapping[str, System] = {
    one.name: one
    for one in (
        System(
            name="accountview",
            caption=ACCOUNTVIEW,
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
        ),
        System(
            name="mplus",
            caption=MPLUS,
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
            folders=("pictures",),
        ),
    )
}
