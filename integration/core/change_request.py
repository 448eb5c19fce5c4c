"""A change of settings that one person asked for and another person has to approve."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from integration.core.people import Right
from integration.core.untrusted_text import json_text


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """Values of one setting of one flow as they were and as somebody asks for them, by name, as JSON.

    `right` is the right that the person who asks and the person who approves need.
    """

    setting: str
    flow: str
    right: Right
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    reasons: Mapping[str, str] = field(default_factory=dict)  # of brakes that are switched off
    by: str
    session: str
    at: datetime
    until: datetime

    @property
    def mark(self) -> str:
        """The digest of the exact change."""
        return hashlib.sha256(json_text([self.setting, dict(self.before), dict(self.after)]).encode()).hexdigest()
