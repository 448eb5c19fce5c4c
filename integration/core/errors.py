"""What can stop the console, arranged by who acts.

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

Every error carries a code of the catalogue (`data/words/errors.csv`) and the facts its sentences need, so that
a terminal, a page and the log tell the same story. Facts never hold a secret.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from integration.core.masking import masked_text


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is as it is: a key of the words (`data/words/texts.csv`) and the facts that fill its text.

    Among the facts of an error the key stands under `message` or `expected`, and its own facts beside it.
    """

    code: str
    facts: Mapping[str, str] = field(default_factory=dict)


class IntegrationError(Exception):
    """Something stopped what was going on."""

    default = "unexpected_error"

    def __init__(self, code: str | None = None, /, **facts: object) -> None:
        self.code = code or self.default
        self.facts: Mapping[str, str] = {name: masked_text(str(value)) for name, value in facts.items()}
        details = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        super().__init__(f"{self.code}: {details}" if details else self.code)

    def __reduce__(self) -> tuple[object, ...]:
        """Errors travel through the engine's database."""
        return partial(type(self), self.code, **self.facts), ()


class ConfigurationError(IntegrationError):
    """A setting is missing or cannot be used; whoever runs the console acts."""

    default = "setting_invalid"


class NotAllowedError(IntegrationError):
    """Whoever asks has no right to it; nothing was done."""

    default = "not_allowed"


class LoggedOutError(IntegrationError):
    """Whoever asks is not logged in, or no more; nothing was done."""

    default = "logged_out"


class ConnectorError(IntegrationError):
    """One of the two systems could not be spoken to as planned."""


class UnavailableError(ConnectorError):
    """A call was not delivered, or a read was answered with a request to wait; safe to try again."""

    default = "service_unavailable"


class InDoubtError(ConnectorError):
    """The outcome of a write is unknown; it is settled by looking in the target, never by sending it again blindly."""

    default = "timeout_after_sending_write"

    def unavailable(self) -> UnavailableError | None:
        """Return why no more should be sent for now, where the answer asked to wait; None where it did not."""
        asks_to_wait = self.code in {"service_unavailable", "too_many_requests"}
        return UnavailableError(self.code, **self.facts) if asks_to_wait else None


class AccessDeniedError(ConnectorError):
    """The system refuses who we are or what we may do; whoever holds the keys acts."""

    default = "right_missing"


class RejectedError(ConnectorError):
    """The system refused this one record; it becomes an issue and the others go on."""

    default = "request_refused"


class MalformedAnswerError(ConnectorError):
    """The system answered something that is not its interface."""

    default = "answer_unreadable"


class PlanStaleError(IntegrationError):
    """The plan is no longer what it was when it was shown; nothing was sent."""

    default = "plan_stale"


class PlanUnsafeError(IntegrationError):
    """A brake holds the plan until a person confirms it; nothing was sent."""

    default = "brake_changes"


class RunActiveError(IntegrationError):
    """Another run of the same flow is at work."""

    default = "run_active"
