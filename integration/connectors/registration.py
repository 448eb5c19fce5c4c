"""Registration of a system, so that an installation can assign it a role."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, get_args

from pydantic import BaseModel, SecretStr, create_model

from integration.connectors.protocol import Connector, InstallationFacts, SourceTable
from integration.core.connections import EntryField, TokenStore, parse_address
from integration.core.system_roles import SystemRole


@dataclass(frozen=True, slots=True)
class System:
    """One system and how to connect it; flows and stored data refer to it by `name`.

    `access` is the model of the environment variables of the system. `connects` builds a connector from checked
    settings, the keeper of its tokens, the stored facts of the installation, and the tables of additional kinds that
    flows define. `form` has the rows of the set-up form, each with names of `settings`. With `asks_port` the form asks
    for the port of `url` in a field of its own. Instead of a form, a system with `has_log_in` sends the person to its
    own log-in page and then asks for a company. `who` is the setting with our account there, `secrets` are the settings
    that prove it. The system is connected once the setting `sign` has a value, and a connector can be built once all of
    `required_settings` have one; between the two, `unconnected` is the error code. `identity_check` is the step of the
    connection check that shows to whom we are connected. `folders` are settings that nobody enters: each is the folder
    of that name in the data of the console.
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
    required_settings: tuple[str, ...]
    unconnected: str
    identity_check: str
    usual_address: str
    form: tuple[tuple[str, ...], ...] = ()
    asks_port: bool = False
    has_log_in: bool = False
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
        return all(access.get(name) for name in self.required_settings)

    def entry_fields(self) -> tuple[tuple[EntryField, ...], ...]:
        """Return the rows of the set-up form, as the settings declare the fields."""
        return tuple(tuple(self._entry_field(name) for name in row) for row in self.form)

    def _entry_field(self, name: str) -> EntryField:
        declared = self.settings.model_fields[name]
        kinds = (declared.annotation, *get_args(declared.annotation))
        return EntryField(name, secret=SecretStr in kinds, required=declared.is_required())


def optional_model(settings: type[BaseModel], *names: str) -> type[BaseModel]:
    """Return a model of environment variables: these fields of a settings model, all of which may be left out."""
    fields: dict[str, Any] = {}
    for name in names:
        declared = settings.model_fields[name]
        kind: Any = declared.annotation
        checked = Annotated[(kind, *declared.metadata)] if declared.metadata else kind
        fields[name] = (checked | None, None)
    return create_model(f"{settings.__name__}Access", **fields)
