"""The comparison at the heart: every situation a field and a record can be in."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.core.flow import Ownership
from integration.core.issues import Issue
from integration.core.plan import (
    FOLLOWS,
    Action,
    Change,
    Policy,
    Unchanged,
    chosen_mark,
    diff,
    differences,
    fingerprint,
    inverse,
    is_of_plan,
    remaining,
    retire,
    still_applies,
)
from integration.core.records import Kind, Record, Value, WrongValueError, unreadable
from tests.builders import a_create, a_part, a_product, an_update_at

EQUAL, CHANGED = Ownership.KEEP_EQUAL, Ownership.KEEP_UNLESS_CHANGED
POLICY: Policy = {
    "product.name": CHANGED,
    "article.name": CHANGED,
    "article.price_incl": EQUAL,
    "article.active": EQUAL,
    "article.unit": Ownership.ON_CREATE,
    "article.brand": Ownership.NEVER,
}


def compare_records(
    desired: Record, current: Record | None, agreed: Record | None = None
) -> Change | Unchanged | Issue:
    return diff(desired, current, agreed, POLICY, title="Trui", group="KLED")


def change_of(desired: Record, current: Record | None, agreed: Record | None = None) -> Change:
    change = compare_records(desired, current, agreed)
    assert isinstance(change, Change)
    return change


def with_article(**values: Value) -> Record:
    return a_product("10", (Record(Kind.ARTICLE, "200101", values, source="TS-M"),))


# ---- new, gone, equal


def test_what_the_target_does_not_have_is_created_with_the_fields_we_own() -> None:
    change = change_of(with_article(name="Trui", brand="Onbekend", colour="rood", unit="ST"), None)
    assert change.action is Action.CREATE
    assert change.desired.flat() == {"name": "Artikel 10", "200101/name": "Trui", "200101/unit": "ST"}
    assert change.agreed == change.desired
    assert (change.before, change.sources, change.title, change.group) == (None, ("TS-M",), "Trui", "KLED")


def test_a_record_without_parts_accounts_for_itself() -> None:
    group = Record(Kind.GROUP, "KLED", {"name": "Kleding"})
    change = diff(group, None, None, {"group.name": CHANGED}, title="Kleding")
    assert isinstance(change, Change)
    assert change.sources == ("KLED",)


def test_what_was_removed_from_the_target_is_a_question() -> None:
    product = with_article(name="Trui")
    issue = compare_records(product, None, product)
    assert isinstance(issue, Issue)
    assert (issue.cause, issue.key, issue.facts["key"]) == ("target_record_missing", "10", "Trui")


def test_what_is_equal_is_unchanged_and_remembered() -> None:
    product = with_article(name="Trui", price_incl=Decimal("20.0"))
    result = compare_records(product, with_article(name="Trui", price_incl=Decimal("20.00"), brand="Anders"))
    assert result == Unchanged(product, ())


def test_no_value_and_a_field_that_the_target_lacks_are_equal() -> None:
    desired, current = (Record(Kind.PRODUCT, "200101", values) for values in ({"name": None}, {}))
    result = diff(desired, current, None, {"name": EQUAL, "product.name": EQUAL}, title="Trui")
    assert isinstance(result, Unchanged)


def test_an_empty_text_equals_no_value() -> None:
    assert isinstance(compare_records(with_article(name=""), with_article(name=None)), Unchanged)


# ---- who decides about a field


def test_a_field_of_the_source_is_kept_equal_whatever_was_agreed() -> None:
    desired, current = with_article(price_incl=Decimal(20)), with_article(price_incl=Decimal(18))
    for agreed in (None, current, desired, with_article(price_incl=Decimal(5))):
        change = change_of(desired, current, agreed)
        assert change.desired.flat() == {"200101/price_incl": Decimal(20)}
        assert change.before is not None
        assert change.before.flat() == {"200101/price_incl": Decimal(18)}
        assert change.first_match == (agreed is None)


@pytest.mark.parametrize("who", [Ownership.ON_CREATE, Ownership.NEVER])
def test_a_field_that_is_not_ours_is_left_and_its_value_remembered(who: Ownership) -> None:
    result = diff(with_article(unit="ST"), with_article(unit="DOOS"), None, {"article.unit": who}, title="")
    assert isinstance(result, Unchanged)
    assert result.agreed.flat()["200101/unit"] == "DOOS"


def test_a_field_nobody_mentions_is_not_ours() -> None:
    assert isinstance(compare_records(with_article(colour="rood"), with_article(colour="blauw")), Unchanged)


def test_a_text_the_source_changed_is_written() -> None:
    change = change_of(with_article(name="Nieuw"), with_article(name="Oud"), with_article(name="Oud"))
    assert change.desired.flat() == {"200101/name": "Nieuw"}
    assert change.agreed.flat()["200101/name"] == "Nieuw"
    assert not change.first_match


def test_a_text_edited_in_the_target_is_not_overwritten() -> None:
    result = compare_records(with_article(name="Oud"), with_article(name="Bewerkt"), with_article(name="Oud"))
    assert isinstance(result, Unchanged)
    assert result.kept_paths == ("200101/name",)
    assert result.agreed.flat()["200101/name"] == "Oud"


def test_a_text_edited_on_both_sides_is_a_conflict() -> None:
    result = compare_records(with_article(name="Bron"), with_article(name="Kassa"), with_article(name=None))
    assert isinstance(result, Unchanged)
    assert result.conflicts == ("200101/name",)
    assert result.agreed.flat()["200101/name"] is None  # what was agreed on stays as it was


def test_a_conflict_holds_up_its_field_alone() -> None:
    desired, current = (
        with_article(name="Bron", price_incl=Decimal(2)),
        with_article(name="Kassa", price_incl=Decimal(1)),
    )
    change = change_of(desired, current, with_article(name="Oud", price_incl=Decimal(1)))
    assert change.desired.flat() == {"200101/price_incl": Decimal(2)}
    assert change.conflicts == ("200101/name",)
    assert change.agreed.flat() == {
        "name": "Artikel 10", "200101/name": "Oud", "200101/price_incl": Decimal(2),
    }  # fmt: skip


def test_a_text_edited_alike_on_both_sides_is_no_conflict() -> None:
    result = compare_records(with_article(name="Zelfde"), with_article(name="Zelfde"), with_article(name="Oud"))
    assert isinstance(result, Unchanged)
    assert result.agreed.flat()["200101/name"] == "Zelfde"


def test_at_the_first_match_the_source_wins_over_a_text_too() -> None:
    change = change_of(with_article(name="Bron"), with_article(name="Kassa"))
    assert change.first_match
    assert change.desired.flat() == {"200101/name": "Bron"}


def test_a_field_mapped_later_is_met_for_the_first_time() -> None:
    change = change_of(with_article(name="Bron"), with_article(name="Kassa"), with_article(price_incl=Decimal(1)))
    assert change.desired.flat() == {"200101/name": "Bron"}


def test_a_kept_text_does_not_hold_back_a_price() -> None:
    change = change_of(
        with_article(name="Oud", price_incl=Decimal(2)),
        with_article(name="Bewerkt", price_incl=Decimal(1)),
        with_article(name="Oud", price_incl=Decimal(1)),
    )
    assert change.desired.flat() == {"200101/price_incl": Decimal(2)}
    assert change.kept_paths == ("200101/name",)


# ---- variants


def test_a_variant_the_product_does_not_have_yet_is_added_with_what_we_own() -> None:
    old = a_part("1", name="S")
    new = Record(Kind.ARTICLE, "2", {"name": "M", "unit": "ST", "brand": "x"}, source="TS-M")
    change = change_of(a_product("10", (old, new)), a_product("10", (old,)), a_product("10", (old,)))
    assert change.action is Action.UPDATE
    assert change.desired.flat() == {"2/name": "M", "2/unit": "ST"}
    assert change.desired.parts[0].source == "TS-M"
    assert change.before is not None
    assert change.before.flat() == {}
    assert change.agreed.flat()["2/name"] == "M"
    assert set(change.sources) == {"1", "TS-M"}


def test_an_article_of_the_target_that_is_not_ours_is_left_alone() -> None:
    ours = a_part("1")
    assert isinstance(compare_records(a_product("10", (ours,)), a_product("10", (ours, a_part("9")))), Unchanged)


# ---- what can be said of a change afterwards


def test_a_document_tells_what_has_to_be_in_the_target_before_it() -> None:
    alone = a_create(a_product("1"))
    dependent = replace(alone, agreed=replace(alone.agreed, values={**alone.agreed.values, FOLLOWS: "0"}))
    assert (alone.follows, dependent.follows) == ("", "0")


def test_a_create_applies_while_the_target_has_no_record() -> None:
    change = a_create(a_product())
    assert still_applies(change, None)
    assert not still_applies(change, a_product())


def test_an_update_applies_while_every_field_it_touches_is_as_it_was() -> None:
    current = a_product("10", (a_part("1", price_incl=Decimal(1), unit="ST"),))
    change = an_update_at(current, {"1/price_incl": Decimal(2)})
    change = replace(change, before=Record(Kind.PRODUCT, "10", {}, (a_part_with("1", price_incl=Decimal(1)),)))
    assert still_applies(change, current)
    assert still_applies(change, a_product("10", (a_part("1", price_incl=Decimal("1.00"), unit="DOOS"),)))
    assert not still_applies(change, a_product("10", (a_part("1", price_incl=Decimal("1.01")),)))
    assert not still_applies(change, None)


def a_part_with(number: str, **values: Value) -> Record:
    return Record(Kind.ARTICLE, number, values, source=number)


def test_differences_are_empty_when_the_target_holds_every_wanted_value() -> None:
    desired = Record(Kind.PRODUCT, "10", {"name": "Trui"}, (a_part_with("1", active=False),))
    assert differences(desired, a_product("10", (a_part("1", active=False),), name="Trui")) == ()
    assert differences(desired, a_product("10", (a_part("1"),), name="Trui")) == ("1/active",)
    assert differences(desired, None) == ("name", "1/active")


class TestAChangeCarriedOutInPart:
    before = a_product("10", (a_part("1", name="Een", price_incl=Decimal(1)),), name="Oud")
    desired = a_product("10", (a_part("1", name="Een", price_incl=Decimal(2)), a_part("2", name="Twee")), name="Nieuw")

    def test_what_is_left_is_what_still_differs(self) -> None:
        change = change_of(self.desired, self.before, self.before)
        half = a_product("10", (a_part("1", name="Een", price_incl=Decimal(1)), a_part("2", name="Twee")), name="Nieuw")
        rest = remaining(change, half)
        assert rest is not None
        assert rest.desired.flat() == {"1/price_incl": Decimal(2)}
        assert rest.before is not None
        assert rest.before.flat() == {"1/price_incl": Decimal(1)}
        assert still_applies(rest, half)

    def test_a_create_that_was_carried_out_in_part_becomes_an_update(self) -> None:
        change = change_of(self.desired, None)
        current = Record(Kind.PRODUCT, "10", {"name": "Nieuw"}, (a_part("1", name="Een", price_incl=Decimal(2)),))
        rest = remaining(change, current)
        assert rest is not None
        assert rest.action is Action.UPDATE
        assert {part.key for part in rest.desired.parts} == {"2"}

    def test_another_writer_changed_the_record(self) -> None:
        change = change_of(self.desired, self.before, self.before)
        assert remaining(change, replace(self.before, values={"name": "Iemand anders"})) is None

    def test_the_record_does_not_exist(self) -> None:
        assert remaining(change_of(self.desired, None), None) is None


# ---- retirement


def test_what_vanished_is_proposed_to_be_inactive_and_its_siblings_stay() -> None:
    vanished_part = a_part_with("1", name="S", active=True)
    stays = a_part_with("2", name="M", active=True)
    product = a_product("10", (vanished_part, stays))
    change = retire(product, frozenset({"1"}), product, title="Trui")
    assert change.action is Action.RETIRE
    assert change.desired.flat() == {"1/active": False}
    assert change.before is not None
    assert change.before.flat() == {"1/active": True}
    assert [part.values["active"] for part in change.agreed.parts] == [False, True]
    assert change.sources == ()


@pytest.mark.parametrize(
    ("agreed", "current", "is_freed"),
    [("871", "871", True), ("871", "872", False), ("871", None, False), ("", "", False), (None, None, False)],
)
def test_what_is_retired_gives_up_what_is_unique_where_it_is_as_agreed(
    agreed: str | None, current: str | None, *, is_freed: bool
) -> None:
    product, now = (a_product("10", (a_part_with("1", active=True, ean=ean),)) for ean in (agreed, current))
    change = retire(product, frozenset({"1"}), now, title="Trui", frees=frozenset({"ean", "plu"}))
    assert change.desired.flat() == {"1/active": False} | ({"1/ean": None} if is_freed else {})
    assert change.before is not None
    assert change.before.flat() == {"1/active": True} | ({"1/ean": agreed} if is_freed else {})
    assert change.agreed.flat()["1/ean"] == (None if is_freed else agreed)
    assert inverse(change).desired.flat() == change.before.flat()


# ---- undoing


def test_an_update_is_undone_by_what_was_there_and_that_is_what_was_agreed_on() -> None:
    before = a_product("10", (a_part_with("1", name="S", price_incl="19.95"),), name="Trui")
    change = replace(
        change_of(a_product("10", (a_part_with("1", name="S", price_incl="21.95"),), name="Trui rood"), before, before),
        kept_paths=("1/unit",), first_match=True,
    )  # fmt: skip
    back = inverse(change)

    assert (back.action, back.kept_paths, back.first_match) == (Action.UPDATE, (), False)
    assert back.desired.flat() == {"name": "Trui", "1/price_incl": "19.95"}
    assert back.before is not None
    assert back.before.flat() == {"name": "Trui rood", "1/price_incl": "21.95"}
    assert back.agreed.flat() == {**change.agreed.flat(), "name": "Trui", "1/price_incl": "19.95"}


def test_a_variant_that_was_added_is_made_inactive_and_a_level_stays() -> None:
    before = a_product("10", (a_part_with("1", name="S"),), name="Trui")
    added = a_product("10", (a_part_with("1", name="S"), a_part_with("2", name="M", active=True)), name="Trui")
    change = change_of(added, before, before)
    level = Record(Kind.LEVEL, "3", {"amount": Decimal(5)})
    desired = replace(change.desired, parts=(*change.desired.parts, level))
    back = inverse(replace(change, desired=desired))

    assert back.desired.flat() == {"2/active": False}
    assert back.before is not None
    assert back.before.flat() == {"2/active": True}
    assert {part.key: part.values.get("active") for part in back.agreed.parts} == {"1": None, "2": False}


def test_a_variant_added_without_a_word_about_it_counts_as_active() -> None:
    before = a_product("10", (a_part_with("1", name="S"),), name="Trui")
    change = change_of(a_product("10", (a_part_with("1", name="S"), a_part_with("2", name="M")), name="Trui"), before)
    back = inverse(change)

    assert back.before is not None
    assert back.before.flat()["2/active"] is True


def test_what_was_created_has_nothing_to_go_back_to() -> None:
    with pytest.raises(ValueError, match="nothing before it"):
        inverse(change_of(a_product("10"), None))


# ---- the mark of a plan


def test_a_digest_tells_apart_what_is_written_and_over_what() -> None:
    current = with_article(name="Oud", price_incl=Decimal(1))
    change = change_of(with_article(name="Nieuw"), current, current)
    assert change.digest() == change_of(with_article(name="Nieuw"), current, None).digest()
    assert change.digest() != change_of(with_article(name="Nieuwer"), current, current).digest()
    assert change.digest() != replace(change, before=with_article(name="Ouder")).digest()
    assert change.digest() != replace(change, action=Action.RETIRE).digest()


@given(st.lists(st.text(min_size=1, max_size=5), max_size=6), st.randoms())
def test_a_plan_has_the_same_fingerprint_in_any_order(digests: list[str], random: object) -> None:
    shuffled = list(digests)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert fingerprint("products", 1, shuffled) == fingerprint("products", 1, digests)


def test_another_plan_has_another_fingerprint() -> None:
    marks = [
        fingerprint("products", 1, ["a"]),
        fingerprint("products", 2, ["a"]),
        fingerprint("stock", 1, ["a"]),
        fingerprint("products", 1, ["a", "a"]),
        fingerprint("products", 1, []),
    ]
    assert len(set(marks)) == len(marks)


def test_the_mark_of_a_choice_is_the_fingerprint_while_nothing_is_left_out() -> None:
    assert chosen_mark("f", []) == "f"
    assert chosen_mark("f", ["a", "b"]) == chosen_mark("f", ["b", "a"]) != chosen_mark("f", ["a"])
    assert is_of_plan("f", "f")
    assert is_of_plan(chosen_mark("f", ["a"]), "f")
    assert not is_of_plan("g", "f")


# ---- properties

FIELDS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a", "b", "c", None]),
        "price_incl": st.sampled_from([Decimal(1), Decimal(2), None]),
        "unit": st.sampled_from(["ST", "DOOS"]),
        "brand": st.sampled_from(["x", "y"]),
    }
)
PRODUCTS = st.builds(
    lambda name, articles: Record(
        Kind.PRODUCT,
        "10",
        {"name": name},
        tuple(Record(Kind.ARTICLE, key, values, source=key) for key, values in articles.items()),
    ),
    st.sampled_from(["a", "b", "c"]),
    st.dictionaries(st.sampled_from(["1", "2", "3"]), FIELDS, min_size=1),
)


def apply_change(change: Change, current: Record | None) -> Record:
    """Return the record of the target after the exact change."""
    if current is None:
        return change.desired
    values_by_key = {part.key: part.values for part in change.desired.parts}
    current_keys = [part.key for part in current.parts]
    parts = [replace(part, values={**part.values, **values_by_key.get(part.key, {})}) for part in current.parts]
    parts += [part for part in change.desired.parts if part.key not in current_keys]
    return replace(current, values={**current.values, **change.desired.values}, parts=tuple(parts))


@given(PRODUCTS, st.none() | PRODUCTS, st.none() | PRODUCTS)
def test_a_change_carried_out_is_proven_and_leaves_nothing_to_do(
    desired: Record, current: Record | None, agreed: Record | None
) -> None:
    result = compare_records(desired, current, agreed)
    if not isinstance(result, Change):
        return
    assert still_applies(result, current)
    after = apply_change(result, current)
    assert differences(result.desired, after) == ()
    second_result = compare_records(desired, after, result.agreed)
    assert isinstance(second_result, Unchanged)


@given(PRODUCTS, PRODUCTS, st.none() | PRODUCTS)
def test_a_change_never_touches_a_field_that_is_not_ours(
    desired: Record, current: Record, agreed: Record | None
) -> None:
    result = compare_records(desired, current, agreed)
    if isinstance(result, Change):
        names = {path.rpartition("/")[2] for path in result.desired.flat()}
        current_keys = {part.key for part in current.parts}
        assert "brand" not in names
        assert not any(part.key in current_keys and "unit" in part.values for part in result.desired.parts)


@given(PRODUCTS, PRODUCTS, st.none() | PRODUCTS)
def test_a_change_says_only_what_differs(desired: Record, current: Record, agreed: Record | None) -> None:
    result = compare_records(desired, current, agreed)
    if isinstance(result, Change):
        before = result.before.flat() if result.before else {}
        now = current.flat()
        assert all(before.get(path) == now.get(path) for path in before)
        assert set(result.desired.flat()) & set(before) == set(before)
        assert set(differences(result.desired, current)) >= set(before)


@given(PRODUCTS)
def test_a_record_compared_with_itself_is_unchanged(product: Record) -> None:
    assert isinstance(compare_records(product, product, product), Unchanged)


def test_nothing_is_proven_by_what_cannot_be_read_nor_sent_over_it() -> None:
    wrong = unreadable(Kind.PRODUCT, "10", WrongValueError("name", "?"), "?")
    desired = Record(Kind.PRODUCT, "10", {"name": None})
    change = an_update_at(Record(Kind.PRODUCT, "10", {"name": ""}), {"name": None})
    assert differences(desired, wrong) == ("name",)
    assert not still_applies(change, wrong)
    assert remaining(change, wrong) is None


def test_a_record_without_parts_is_retired_itself() -> None:
    agreed = Record(Kind.RELATION, "10002", {"name": "Klant", "active": True})
    change = retire(agreed, frozenset({"10002"}), agreed, title="Klant")
    assert (change.action, change.desired.values) == (Action.RETIRE, {"active": False})
    assert change.before is not None
    assert change.before.values == {"active": True}
    assert change.agreed.values == {"name": "Klant", "active": False}
