"""Errors of the console, by the role that must act.

IntegrationError
├── ConfigurationError
├── NotAllowedError
├── LoggedOutError
├── ConnectorError
│   ├── UnavailableError
│   ├── InDoubtError
│   ├── AccessDeniedError
│   ├── RejectedError
│   └── MalformedAnswerError
├── PlanStaleError
├── PlanUnsafeError
└── RunActiveError

Every error has a code of the catalogue (`data/words/errors.csv`) and the facts of its sentences, so that terminal,
pages and log show the same text. Facts never contain a secret.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from integration.core.masking import masked_text


@dataclass(frozen=True, slots=True)
class Reason:
    """Explanation of a state or value: a text key (`data/words/texts.csv`) and the facts that fill the text.

    In the facts of an error, `message` or `expected` holds the key, and the reason's own facts stand beside it.
    """

    code: str
    facts: Mapping[str, str] = field(default_factory=dict)


class IntegrationError(Exception):
    """Base class of all errors with a code of the catalogue."""

    default = "unexpected_error"

    def __init__(self, code: str | None = None, /, **facts: object) -> None:
        self.code = code or self.default
        self.facts: Mapping[str, str] = {name: masked_text(str(value)) for name, value in facts.items()}
        details = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        super().__init__(f"{self.code}: {details}" if details else self.code)

    def __reduce__(self) -> tuple[object, ...]:
        """Support pickling: errors pass through the engine's database."""
        return partial(type(self), self.code, **self.facts), ()


class ConfigurationError(IntegrationError):
    """A setting is missing or invalid; the administrator must act."""

    default = "setting_invalid"


class NotAllowedError(IntegrationError):
    """The actor lacks the right; nothing was done."""

    default = "not_allowed"


class LoggedOutError(IntegrationError):
    """The actor is not or no longer logged in; nothing was done."""

    default = "logged_out"


class ConnectorError(IntegrationError):
    """A call to one of the two systems failed."""


class UnavailableError(ConnectorError):
    """A call was not delivered, or a read was answered with a request to wait. Safe to retry."""

    default = "service_unavailable"


class InDoubtError(ConnectorError):
    """The outcome of a write is unknown. A lookup in the target settles it; the write is never repeated blindly."""

    default = "timeout_after_sending_write"

    def unavailable(self) -> UnavailableError | None:
        """Return UnavailableError if the answer asked to wait, so that no more is sent for now; None otherwise."""
        asks_to_wait = self.code in {"service_unavailable", "too_many_requests"}
        return UnavailableError(self.code, **self.facts) if asks_to_wait else None


class AccessDeniedError(ConnectorError):
    """The system refuses our identity or our rights; the administrator of the credentials must act."""

    default = "right_missing"


class RejectedError(ConnectorError):
    """The system refused this one record. The record gets an issue and the run continues."""

    default = "request_refused"


class MalformedAnswerError(ConnectorError):
    """The system's answer does not conform to its interface."""

    default = "answer_unreadable"


class PlanStaleError(IntegrationError):
    """The plan has changed since it was shown; nothing was sent."""

    default = "plan_stale"


class PlanUnsafeError(IntegrationError):
    """A brake holds the plan until a person confirms it; nothing was sent."""

    default = "brake_changes"


class RunActiveError(IntegrationError):
    """Another run of the same flow is active."""

    default = "run_active"
