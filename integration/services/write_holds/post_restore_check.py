"""After a restore, holds the writes of a flow until its written records have been compared with the target."""

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
from integration.store.drift import DriftStore
from integration.store.links import Links
from integration.store.settings import StoredSettings


class PostRestoreCheck:
    """Checks that are due after a restore of the database or of a system, by flow and kind of record."""

    def __init__(
        self,
        drifts: DriftStore,
        links: Links,
        stored_settings: StoredSettings,
        logics: Logics,
        without: Collection[Kind] = (),
    ) -> None:
        """Store the dependencies. Kinds in `without` are not checked here, because they have their own check."""
        self._drifts = drifts
        self._links = links
        self._stored_settings = stored_settings
        self._logics = logics
        self._excluded_kinds = without

    def stages(self, flow: str) -> list[Stage]:
        """Return the stages of a flow that have written records to check."""
        links = self._links
        return [
            stage
            for stage in stages_of(self._logics.flow(flow), links.kinds(flow))
            if stage.target not in self._excluded_kinds and links.page(flow, stage.target, "", 1)
        ]

    def is_due(self, flow: str) -> bool:
        """Return True if a kind of record of the flow has not been checked since the last restore."""
        records = filter(None, map(self._stored_settings.get, (RESTORED, SYSTEM_RESTORED)))
        since = max((datetime.fromisoformat(record["at"]) for record in records), default=None)
        if since is None:
            return False
        looks = self._drifts.latest(flow)
        checked_kinds = {check.kind for check in looks if check.started_at >= since and not check.error}
        return any(stage.target not in checked_kinds for stage in self.stages(flow))

    @requires(Right.SEE)
    def hold_reason(self, flow: str) -> PlanStaleError | None:
        """Return why the flow may not write for now, or None: the database or a system was restored.

        Writes are allowed again once every kind of record of the flow has been checked. Kinds without a check do not
        count.
        """
        return PlanStaleError("restored_not_compared", flow=flow) if self.is_due(flow) else None
