"""Recognizes unchanged records by hashes, so that they are neither parsed nor compared.

A hash is used only for a record without a change in doubt, a reverted value, or a dismissed issue that a change would
reopen. Unique values of unchanged records are stored as well, so that other records are compared with them. A record
that shares such a value with another record is read after all.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from integration.connectors.protocol import Connector, HashedSource, HashedTarget, UnparsedPage
from integration.core.flow import Stage
from integration.core.links import NO_HASHES, Hashes
from integration.core.records import CurrentRecord
from integration.core.run import Run
from integration.core.staged_records import StagedRecord
from integration.flows.spec import FlowLogic
from integration.runner.dependencies import Dependencies

BYTES = 16  # makes an accidental collision practically impossible


def unparsed_page(
    source: Connector, target: Connector, logic: FlowLogic, stage: Stage, since: str | None, after: str | None
) -> UnparsedPage | None:
    """Return one page of a stage unparsed, or None if its records must be parsed."""
    if not (logic.basis and stage.hashed and isinstance(source, HashedSource) and isinstance(target, HashedTarget)):
        return None
    return source.extract_unparsed(stage.source, since, after)


def unchanged_keys(deps: Dependencies, run: Run, logic: FlowLogic, stage: Stage, page: UnparsedPage) -> dict[str, str]:
    """Return the records of a page that are unchanged and agree on both sides: the target number of each by key."""
    flow, kind, target = logic.flow.name, stage.target, deps.connectors[logic.flow.target]
    times = Counter(key for key, _ in page.hashes)
    hashes = {key: record_hash for key, record_hash in page.hashes if times[key] == 1}
    agreed = deps.previews.hashes(flow, kind, list(hashes))
    unparsed = logic.unparsed(stage, list(agreed)) if agreed else {}
    same = [
        key
        for key, unparsed_record in unparsed.items()
        if source_hash(logic, hashes[key], unparsed_record.other_inputs) == agreed[key][0]
    ]
    silent = set(same) - _untrusted_keys(deps, run, logic, stage, same)
    if not silent or not isinstance(target, HashedTarget):
        return {}
    target_hashes = target.hashes([unparsed[key].desired for key in same if key in silent])
    return {key: unparsed[key].number for key, record_hash in target_hashes.items() if record_hash == agreed[key][1]}


def _untrusted_keys(deps: Dependencies, run: Run, logic: FlowLogic, stage: Stage, keys: Sequence[str]) -> set[str]:
    """Return the records whose hash must not be trusted, because of a doubt, a reverted value or a dismissed issue."""
    flow, kind = logic.flow.name, stage.target
    doubts = deps.ledger.in_doubt(run.id, flow, kind, keys)
    reverted, dismissed = deps.previews.reverted_values_of(flow, kind, keys), deps.previews.dismissed_marks(flow, keys)
    return {row.key for row in doubts} | reverted.keys() | dismissed.keys()


def with_hashes(logic: FlowLogic, staged: Sequence[StagedRecord], hashes: Mapping[str, str]) -> list[StagedRecord]:
    """Return the staged records, each with the hash of all its inputs."""
    return [
        replace(staged_record, source_hash=source_hash(logic, hashes[staged_record.key], staged_record.other_inputs))
        if staged_record.record is not None and staged_record.key in hashes
        else staged_record
        for staged_record in staged
    ]


def source_hash(logic: FlowLogic, record_hash: str, beside: str) -> str:
    """Return the hash of a source record, its other inputs, and the basis of the logic."""
    text = f"{logic.basis}\n{record_hash}\n{beside}"
    return hashlib.blake2b(text.encode(), digest_size=BYTES).hexdigest()


def hashes_of(members: Sequence[StagedRecord], current: CurrentRecord | None) -> Hashes:
    """Return the current hashes of both sides of a single record; `NO_HASHES` if either side has none."""
    if len(members) != 1 or current is None or not (members[0].source_hash and current.hash):
        return NO_HASHES
    return members[0].source_hash, current.hash
