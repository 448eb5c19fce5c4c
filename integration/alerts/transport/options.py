"""Options allowed in the address of a channel: none weakens the transport, and none names a file."""

from collections.abc import Iterable, Mapping

ALLOWED = frozenset(
    """
    to from cc bcc reply reply_to name user pass sender source id group groups channel channels topic thread thread_id
    tags target targets device ref alias email phone recipients team workspace service
    token apikey api_key key secret sid sig app_id app_token access routing_key client_id oauth_id oauth_secret
    entity api-version ver version sp sv pa powerautomate routeid region
    format overflow emojis tz subject priority urgency severity level sound volume silent image avatar avatar_url
    icon icon_url footer footer_logo color border click url_title ttl expire retry wait delay duration batch dedup
    category mode lang language country unicode flash tts preview visibility ping modal spoiler wrap contents content
    mdv badge subtitle action route type status interruption
    smtp method cto rto
    """.split()  # noqa: SIM905 - a list of names is read more easily so
)
"""Allowed option names: recipients and sender, credentials, appearance and treatment of a message, delivery."""
SIGNS = ("+", "-", ":")  # prefixes of headers, parameters and fields of a webhook
INSECURE = "insecure"
UNENCRYPTED = frozenset({"aprs", "dapnet", "kavenegar"})
"""Schemes that the library calls secure although it sends their credential over plain TCP or HTTP."""


def is_option_refused(options: Mapping[str, str]) -> bool:
    """Return True if an option is not allowed, names a file, or weakens the transport."""
    return any(_is_refused(name, value) for name, value in options.items())


def _is_refused(name: str, value: str) -> bool:
    if not name or name.startswith(SIGNS):
        return False
    named_file = value.strip().lower().startswith("file:")
    return name not in ALLOWED or named_file or (name == "mode" and value.strip().lower() == INSECURE)


def hosts(values: Iterable[object]) -> list[str]:
    """Return the host names and addresses among these values."""
    return [value.strip("[]") for value in values if isinstance(value, str) and value]
