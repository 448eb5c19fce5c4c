"""Stores the channels that people configure: their settings, and their addresses, which are encrypted."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from integration.alerts.incidents import Channel
from integration.alerts.store.deliveries import DeliveryStore
from integration.alerts.transport.post import Message, Post, PostResult, secrets_of
from integration.core.authorization import requires
from integration.core.causes import CAUSES
from integration.core.errors import ConfigurationError, IntegrationError
from integration.core.masking import register_secrets
from integration.core.people import Actor, Right
from integration.store.secrets import ConnectionStore
from integration.store.settings import StoredSettings
from integration.words.validation import reason_of

PREFIX = "channel:"
_CHANNEL = TypeAdapter(Channel)  # stored without the id and the address


class Channels:
    """Stores and tests channels, and sends messages through them."""

    def __init__(
        self, settings: StoredSettings, sealed: ConnectionStore, deliveries: DeliveryStore, post: Post
    ) -> None:
        self._settings = settings
        self._sealed = sealed
        self._deliveries = deliveries
        self._post = post

    @requires(Right.SEE)
    def list_channels(self) -> list[Channel]:
        """Return all channels, sorted by name. Stored settings that are not valid are left out."""
        return sorted(self._load(), key=lambda channel: (channel.name.casefold(), channel.id))

    def _load(self) -> list[Channel]:
        channels = []
        for name, values in self._settings.settings_with_prefix(PREFIX).items():
            try:
                channels.append(_CHANNEL.validate_python({**values, "id": name.removeprefix(PREFIX)}))
            except ValidationError:
                continue
        return channels

    @requires(Right.ADMINISTER)
    def address(self, channel: str) -> str:
        """Return the address of a channel. It is a secret, so logs and messages mask it from now on."""
        stored_values = self._sealed.get(f"{PREFIX}{channel}") or {}
        address = str(stored_values.get("address", ""))
        register_secrets(*secrets_of(address))
        return address

    @requires(Right.ADMINISTER)
    def save(self, values: Mapping[str, Any], by: Actor, *, channel: str = "", address: str = "") -> str:
        """Store a channel and return its id. Without an address, the channel keeps its present one.

        Raises ConfigurationError if the settings or the address are not valid, or if the address would send secrets
        unencrypted to another machine.
        """
        identity = channel or secrets.token_hex(4)
        settings = _validated({**values, "id": identity})
        register_secrets(*secrets_of(address))
        if address or not channel:
            looked = self._post.check_address(address.strip())
            if not looked.ok:
                raise ConfigurationError("setting_invalid", setting="channel_address", expected=looked.error)
            self._sealed.put(f"{PREFIX}{identity}", {"address": address.strip()}, by.ref)
        self._settings.put(f"{PREFIX}{identity}", _CHANNEL.dump_python(settings, mode="json", exclude={"id"}), by.ref)
        self._deliveries.make_due(identity)
        return identity

    @requires(Right.ADMINISTER)
    def forget(self, channel: str, by: Actor) -> None:
        """Delete a channel, its address, and its unsent messages."""
        self._settings.forget(f"{PREFIX}{channel}", by.ref)
        self._sealed.forget(f"{PREFIX}{channel}", by.ref)
        self._deliveries.forget_channel(channel)

    def send(self, channel: Channel, title: str, body: str) -> PostResult:
        """Send a message now and return whether the channel accepted it."""
        address = self.address(channel.id)
        return self._post.send([Message(address, title, body)])[0]

    @requires(Right.ADMINISTER)
    def test(self, channel: Channel, title: str, body: str) -> None:
        """Send a test message. Raises IntegrationError `alert_not_delivered` with the channel's error."""
        result = self.send(channel, title, body)
        if not result.ok:
            raise IntegrationError("alert_not_delivered", channel=channel.name, message=result.error)
        self._deliveries.record_test(channel.id)
        self._deliveries.make_due(channel.id)


def _validated(values: Mapping[str, Any]) -> Channel:
    try:
        settings = _CHANNEL.validate_python(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        why = reason_of(first)
        name = f"channel_{first['loc'][0]}"
        raise ConfigurationError("setting_invalid", setting=name, expected=why.code, **why.facts) from None
    if not settings.name.strip():
        raise ConfigurationError("setting_invalid", setting="channel_name", expected="expected_text")
    return replace(settings, causes=frozenset(settings.causes & CAUSES.keys()))
