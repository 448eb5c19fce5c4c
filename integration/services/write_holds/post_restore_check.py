"""What a look at the targets looks at, and what it owes since the database was restored: until then nothing is sent."""

from collections.abc import Collection
from datetime import datetime

from integration.core.authorization import requires
from integration.core.errors import PlanStaleError
from integration.core.flow import Stage
from integration.core.people import Right
from integration.core.records import Kind
from integration.runner.drift import stages_of
from integration.services.mappings.mappings import Logics
from integration.services.write_holds.system_identity import SYSTEM_RESTORED
from integration.store.copies import RESTORED
from integration.store.drift import Drifts
from integration.store.links import Links
from integration.store.settings import StoredSettings


class PostRestoreCheck:
    """Which kinds of record there is something of to look at, flow by flow."""

    def __init__(
        self,
        drifts: Drifts,
        links: Links,
        stored_settings: StoredSettings,
        logics: Logics,
        without: Collection[Kind] = (),
    ) -> None:
        """Kinds that are named in `without` have a check of their own."""
        self._drifts = drifts
        self._links = links
        self._stored_settings = stored_settings
        self._logics = logics
        self._without = without

    def stages(self, flow: str) -> list[Stage]:
        """Return the stages of a flow that a look has something to look at."""
        links = self._links
        return [
            stage
            for stage in stages_of(self._logics.flow(flow), links.kinds(flow))
            if stage.target not in self._without and links.page(flow, stage.target, "", 1)
        ]

    def is_owed(self, flow: str) -> bool:
        """Tell whether something of a flow has to be looked at since the database was restored."""
        records = filter(None, map(self._stored_settings.get, (RESTORED, SYSTEM_RESTORED)))
        since = max((datetime.fromisoformat(record["at"]) for record in records), default=None)
        if since is None:
            return False
        looks = self._drifts.latest(flow)
        seen = {one.kind for one in looks if one.began_at >= since and not one.error}
        return any(stage.target not in seen for stage in self.stages(flow))

    @requires(Right.SEE)
    def held(self, flow: str) -> PlanStaleError | None:
        """Return why a flow may write nothing for now, or None: the database or a system was restored.

        It may again once everything it wrote was looked at after that. What no look covers is not waited for.
        """
        return PlanStaleError("restored_not_compared", flow=flow) if self.is_owed(flow) else None
