"""Knowing records again by hashes, so that what is as it was when both systems agreed is neither read nor compared.

A hash speaks for a record only where nothing else does: no doubt, nothing that was taken back, no issue set aside that
a change would bring back. What is unique in a stage is kept with what is known again, so that others are compared with
it; one that another one shares its number with is read after all.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from integration.connectors.protocol import Connector, HashedSource, HashedTarget, Unread
from integration.core.flow import Stage
from integration.core.links import NO_HASHES, Hashes
from integration.core.records import Held
from integration.core.run import Run
from integration.core.staged import Staged
from integration.flows.spec import FlowLogic
from integration.runner.dependencies import Dependencies

BYTES = 16  # so that no two things ever have the same by chance


def unparsed_page(
    source: Connector, target: Connector, logic: FlowLogic, stage: Stage, since: str | None, after: str | None
) -> Unread | None:
    """Return one page of a stage unread; None where records of it have to be read to be known."""
    if not (logic.basis and stage.hashed and isinstance(source, HashedSource) and isinstance(target, HashedTarget)):
        return None
    return source.unread(stage.source, since, after)


def unchanged_keys(deps: Dependencies, run: Run, logic: FlowLogic, stage: Stage, page: Unread) -> dict[str, str]:
    """Return what of a page is as it was when both systems agreed on it, and still agree: the number of each by key."""
    flow, kind, target = logic.flow.name, stage.target, deps.connectors[logic.flow.target]
    times = Counter(key for key, _ in page.hashes)
    came = {key: told for key, told in page.hashes if times[key] == 1}
    agreed = deps.previews.hashes(flow, kind, list(came))
    unstaged = logic.unstaged(stage, list(agreed)) if agreed else {}
    same = [key for key, one in unstaged.items() if source_hash(logic, came[key], one.beside) == agreed[key][0]]
    silent = set(same) - _spoken_for(deps, run, logic, stage, same)
    if not silent or not isinstance(target, HashedTarget):
        return {}
    held = target.hashes([unstaged[key].wanted for key in same if key in silent])
    return {key: unstaged[key].number for key, told in held.items() if told == agreed[key][1]}


def _spoken_for(deps: Dependencies, run: Run, logic: FlowLogic, stage: Stage, keys: Sequence[str]) -> set[str]:
    """Return the records of which more is to be said than their hashes do."""
    flow, kind = logic.flow.name, stage.target
    doubts = deps.ledger.in_doubt(run.id, flow, kind, keys)
    back, set_aside = deps.previews.taken_back(flow, kind, keys), deps.previews.aside(flow, keys)
    return {row.key for row in doubts} | back.keys() | set_aside.keys()


def with_hashes(logic: FlowLogic, staged: Sequence[Staged], came: Mapping[str, str]) -> list[Staged]:
    """Return what is staged, each with the hash of all that it was made of."""
    return [
        replace(one, source_hash=source_hash(logic, came[one.key], one.beside))
        if one.record is not None and one.key in came
        else one
        for one in staged
    ]


def source_hash(logic: FlowLogic, came: str, beside: str) -> str:
    """Return the hash of a record of the source, of what else it is made of, and of how."""
    told = f"{logic.basis}\n{came}\n{beside}"
    return hashlib.blake2b(told.encode(), digest_size=BYTES).hexdigest()


def hashes_of(members: Sequence[Staged], held: Held | None) -> Hashes:
    """Return the hashes of both sides of a record that stands alone, as they are now; none where one has none."""
    if len(members) != 1 or held is None or not (members[0].source_hash and held.hash):
        return NO_HASHES
    return members[0].source_hash, held.hash
