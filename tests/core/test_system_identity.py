"""One part that changes is ordinary. Half of the parts that differ, or counters that go back, are a question."""

import pytest

from integration.core.system_identity import IdentityVerdict, SystemIdentity

KNOWN = {
    "company": {"Fietsen BV Utrecht"}, "licence": {"****1234"}, "branches": {"1 Utrecht", "2 Zeist"}, "code": set(),
}  # fmt: skip


def identity(counters: dict[str, int] | None = None, **parts: set[str]) -> SystemIdentity:
    texts = {name: frozenset(values) for name, values in ({**KNOWN, **parts}).items()}
    return SystemIdentity(texts, {"article": 40, "relation": 9} if counters is None else counters)


@pytest.mark.parametrize(
    ("now", "verdict", "changed"),
    [
        (identity(), IdentityVerdict.SAME, ()),
        (identity({"article": 41, "order": 1}), IdentityVerdict.SAME, ()),
        (identity(licence={"****9999"}), IdentityVerdict.SAME, ("licence",)),
        (identity(branches={"1 Utrecht", "2 Zeist", "3 Soest", "4 Baarn"}), IdentityVerdict.SAME, ()),
        (identity(branches=set(), licence=set()), IdentityVerdict.SAME, ()),
        (identity(company={"Boeken BV"}, licence={"****9999"}), IdentityVerdict.DIFFERS, ("company", "licence")),
        (identity({"article": 39}), IdentityVerdict.WENT_BACK, ("article",)),
        (SystemIdentity(), IdentityVerdict.SAME, ()),
    ],
)
def test_a_system_is_compared_by_all_that_identifies_it(
    now: SystemIdentity, verdict: IdentityVerdict, changed: tuple[str, ...]
) -> None:
    assert now.compared_with(identity()) is verdict
    assert now.changed_names(identity()) == changed


FOUR_PARTS = {"company": {"Fietsen BV"}, "licence": {"*1"}, "branches": {"1 Winkel"}, "workplaces": {"1/1 Kassa"}}


@pytest.mark.parametrize("different", [("company", "licence"), ("company", "branches"), ("licence", "workplaces")])
def test_another_system_with_the_usual_names_of_branches_and_workplaces_differs(different: tuple[str, str]) -> None:
    usual_identity = identity(None, **FOUR_PARTS)
    changed_parts = {name: {"x"} for name in different}
    assert identity(None, **{**FOUR_PARTS, **changed_parts}).compared_with(usual_identity) is IdentityVerdict.DIFFERS
    assert identity(None, **{**FOUR_PARTS, different[0]: {"x"}}).compared_with(usual_identity) is IdentityVerdict.SAME


def test_what_is_known_of_a_system_grows_and_survives_being_stored() -> None:
    merged = identity({"article": 50}, licence=set(), code={"ADM1"}).merged_with(identity())
    assert merged == identity({"article": 50, "relation": 9}, code={"ADM1"})
    assert SystemIdentity.from_json(merged.to_json()) == merged
