"""Checks the connection to a till."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from integration.connectors.mplus.choices import TillChoices
from integration.connectors.mplus.client import Client, Element, qualified
from integration.connectors.mplus.pricing import TillPricing
from integration.connectors.mplus.settings import SYSTEM, MplusSettings
from integration.core.connections import Finding, FindingsCallback, ignore_progress
from integration.core.errors import ConnectorError, IntegrationError, MalformedAnswerError

_CHECKS = ("host", "certificate", "credentials", "version", "rights", "prices")
_FAILS_AT = {
    "address_not_api": "host",
    "certificate_invalid": "certificate",
    "mplus_credentials_rejected": "credentials",
    "version_too_old": "version",
}


class TillCheck:
    """Checks one installation."""

    def __init__(self, settings: MplusSettings, client: Client, choices: TillChoices, pricing: TillPricing) -> None:
        self._settings = settings
        self._pricing = pricing
        self._client = client
        self._choices = choices

    def connection(self, on_progress: FindingsCallback = ignore_progress) -> list[Finding]:
        """Return the steps of the connection check up to the first one that fails. Never raises."""
        about: dict[str, str] = {}
        on_progress(_findings(about))
        try:
            for name, result in self._check_steps():
                about[name] = result
                on_progress(_findings(about))
        except IntegrationError as error:
            return _findings(about, error)
        return _findings(about)

    def _check_steps(self) -> Iterator[tuple[str, str]]:
        """Yield each step that succeeds, with its result."""
        self._client.probe()
        yield "host", self._settings.host_shown
        yield "certificate", "" if urlsplit(self._settings.url).scheme == "https" else "http, loopback"
        answer = self._first_answer()
        yield "credentials", ""
        yield "version", self._version(answer)
        self._client.read("getProducts", request={"pluNumbers": {}, "syncMarkerLimit": 1})
        yield "rights", ", ".join(self._choices.list_codes("branches").values())
        yield "prices", self._pricing_state()

    def _pricing_state(self) -> str:
        """Return as a word whether the till calculates customer prices; this is optional."""
        if not self._settings.determine_pricing:
            return "not_asked"
        return "answered" if self._pricing.answers() else "not_answered"

    def _first_answer(self) -> Element:
        """Return the answer with the till's version. Raises MalformedAnswerError if the server is not a till."""
        try:
            return self._client.read("getApiVersion")
        except MalformedAnswerError as error:
            raise MalformedAnswerError("address_not_api", **error.facts) from None

    def _version(self, answer: Element) -> str:
        """Return the version of the service; older interfaces have only a protocol version, which says nothing."""
        parts = [answer.findtext(qualified(f"service{part}Number")) for part in ("Major", "Minor", "Revision")]
        version = ".".join(part for part in parts if part)
        if version and _version_parts(version) < _version_parts(self._settings.minimum_version):
            required = self._settings.minimum_version
            raise ConnectorError("version_too_old", system=SYSTEM, version=version, required=required)
        return version


def _version_parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _findings(about: Mapping[str, str], error: IntegrationError | None = None) -> list[Finding]:
    """Return one finding per step: results succeed, the first step without a result has the error."""
    if error is None:
        return [Finding(name, ok=name in about or None, about=about.get(name, "")) for name in _CHECKS]
    reached = len(about)
    place = _CHECKS.index(_FAILS_AT[error.code]) if error.code in _FAILS_AT else reached
    passed = [Finding(name, ok=True, about=about.get(name, "")) for name in _CHECKS[:place]]
    failed = Finding(_CHECKS[place], ok=False, cause=error.code, facts=dict(error.facts))
    return [*passed, failed, *(Finding(name, ok=None) for name in _CHECKS[place + 1 :])]
