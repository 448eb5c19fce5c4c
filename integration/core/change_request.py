"""A change of settings that one person requests and another person must approve."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from integration.core.people import Right
from integration.core.untrusted_text import json_text


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """Request to change one setting of a flow: the values before and after, by name, as JSON.

    Both the person who requests and the person who approves need `right`.
    """

    setting: str
    flow: str
    right: Right
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    reasons: Mapping[str, str] = field(default_factory=dict)  # of switched-off brakes
    by: str
    session: str
    at: datetime
    until: datetime

    @property
    def mark(self) -> str:
        """Digest of exactly this change."""
        return hashlib.sha256(json_text([self.setting, dict(self.before), dict(self.after)]).encode()).hexdigest()
