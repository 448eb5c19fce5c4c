"""Changes in the tables, read back as they were written."""

import json

from hypothesis import given
from hypothesis import strategies as st

from integration.core.plan import Action, Change
from integration.core.records import Record, kinds
from integration.store.row_mapping import change_from_json, change_to_json

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.text(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.dates(),
    st.datetimes(),
    st.lists(st.text(), max_size=3).map(tuple),
)


RECORDS = st.builds(
    Record, st.sampled_from(kinds()), st.text(), st.dictionaries(st.text(), VALUES, max_size=5), source=st.text()
)


@given(
    desired=RECORDS,
    before=st.none() | RECORDS,
    agreed=RECORDS,
    kept_paths=st.lists(st.text()).map(tuple),
    source_values=st.dictionaries(st.text(), st.text(), max_size=2),
)
def test_a_change_is_read_as_it_was_stored(
    desired: Record,
    before: Record | None,
    agreed: Record,
    kept_paths: tuple[str, ...],
    source_values: dict[str, str],
) -> None:
    change = Change(
        action=Action.UPDATE, kind=desired.kind, key=desired.key, title="t", sources=("a",), desired=desired,
        before=before, agreed=agreed, kept_paths=kept_paths, source_values=source_values,
    )  # fmt: skip
    restored_change = change_from_json(json.loads(json.dumps(change_to_json(change))))
    assert restored_change == change
    assert restored_change.digest() == change.digest()
