"""Records: values that mean the same, and the way to disk and back."""

import pickle
from copy import copy
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.core.records import (
    Correction,
    FieldPresence,
    Kind,
    Record,
    RecordType,
    Value,
    WrongValueError,
    canonical,
    clean,
    from_json,
    is_number,
    is_same_value,
    is_storable,
    is_till_number,
    kinds,
    merged,
    record_from_json,
    record_to_json,
    to_json,
    unreadable,
    with_corrections,
)
from tests.builders import a_group, a_part, a_product, an_article

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9)
VALUES: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=20),
    NUMBERS,
    st.dates(),
    st.datetimes(timezones=st.just(UTC)),
    st.lists(st.text(min_size=1, max_size=8), max_size=3).map(tuple),
)
PARTS = st.builds(
    Record,
    kind=st.just(Kind.ARTICLE),
    key=st.from_regex(r"[1-9][0-9]{0,8}", fullmatch=True),
    values=st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), VALUES, max_size=4),
    source=st.text(max_size=6),
)
RECORDS = st.builds(
    Record,
    kind=st.sampled_from(kinds()),
    key=st.text(max_size=8),
    values=st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), VALUES, max_size=4),
    parts=st.lists(PARTS, max_size=3, unique_by=lambda part: part.key).map(tuple),
    source=st.text(max_size=6),
)


@given(VALUES)
def test_a_value_comes_back_from_json_as_it_was(value: Value) -> None:
    back = from_json(to_json(value))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("strange", [1, 1.5, {"x": "1"}, {"n": 1}])
def test_json_that_holds_no_value_of_ours_is_refused(strange: object) -> None:
    with pytest.raises(TypeError):
        from_json(strange)


@given(RECORDS)
def test_a_record_comes_back_from_json_as_it_was(record: Record) -> None:
    assert record_from_json(record_to_json(record)) == record


@pytest.mark.parametrize("shape", [{"values": []}, {"values": {}, "parts": "none"}])
def test_json_that_holds_no_record_is_refused(shape: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        record_from_json({"kind": "group", "key": "KLED", **shape})


@pytest.mark.parametrize(
    ("value", "other"),
    [
        (None, ""),
        (None, ()),
        ("", ()),
        (Decimal("1.10"), Decimal("1.1")),
        (("A", "B"), ("B", "A")),
        ("A", "A"),
        (date(2026, 3, 31), date(2026, 3, 31)),
    ],
)
def test_values_that_mean_the_same_are_the_same(value: Value, other: Value) -> None:
    assert is_same_value(value, other)
    assert is_same_value(other, value)


@pytest.mark.parametrize(
    ("value", "other"),
    [(None, Decimal(0)), (None, "x"), ("A", "a"), (("A",), ("A", "B")), ("1", Decimal(1)), (False, None)],
)
def test_values_that_differ_are_not_the_same(value: Value, other: Value) -> None:
    assert not is_same_value(value, other)
    assert not is_same_value(other, value)


def test_flat_and_fields_name_parts_by_their_keys() -> None:
    product = a_product("10", (a_part("200101", price_incl=Decimal("5.00")),), name="Trui")
    assert product.flat()["name"] == "Trui"
    assert product.flat()["200101/price_incl"] == Decimal("5.00")
    assert ("200101/price_incl", "article.price_incl", Decimal("5.00")) in list(product.fields())
    assert ("name", "product.name", "Trui") in list(product.fields())


@given(RECORDS)
def test_flat_and_fields_tell_the_same(record: Record) -> None:
    assert record.flat() == {path: value for path, _, value in record.fields()}


@given(RECORDS)
def test_the_order_of_fields_and_parts_does_not_change_the_canonical_text(record: Record) -> None:
    turned = Record(
        record.kind,
        record.key,
        dict(reversed(list(record.values.items()))),
        tuple(reversed(record.parts)),
    )
    assert canonical(turned) == canonical(record)


def test_values_that_mean_the_same_have_the_same_canonical_text() -> None:
    record = a_group(name="", parent=("B", "A"), price=Decimal("1.10"), free=Decimal("0.00"))
    other = a_group(name=None, parent=("A", "B"), price=Decimal("1.1"), free=Decimal(0))
    assert canonical(record) == canonical(other)


def test_records_that_differ_have_different_canonical_texts() -> None:
    assert len({canonical(None), canonical(a_group()), canonical(a_group(name="X")), canonical(a_group("B"))}) == 4


def test_merging_keeps_what_the_new_record_does_not_mention() -> None:
    old = a_product("10", (a_part("1", ean="8"), a_part("2")), name="Oud", text="blijft")
    new = Record(
        Kind.PRODUCT,
        "10",
        {"name": "Nieuw"},
        (Record(Kind.ARTICLE, "1", {"name": "Een"}, source="A"), a_part("3")),
    )
    record = merged(old, new)
    assert record.values == {"name": "Nieuw", "text": "blijft"}
    assert [part.key for part in record.parts] == ["1", "2", "3"]
    assert record.parts[0].values["ean"] == "8"
    assert record.parts[0].values["name"] == "Een"
    assert (record.parts[0].source, record.source) == ("A", "10")


def test_merging_with_nothing_is_the_new_record() -> None:
    assert merged(None, a_group()) == a_group()


def test_a_moment_keeps_its_zone_on_the_way_through_json() -> None:
    moment = datetime(2026, 3, 31, 12, 30, tzinfo=UTC)
    assert from_json(to_json(moment)) == moment


def test_every_sort_of_value_and_a_part_come_back_from_json() -> None:
    moment, day = datetime(2026, 3, 31, 12, 30, tzinfo=UTC), date(2026, 3, 31)
    part = Record(Kind.ARTICLE, "1", {"on": day, "at": moment, "groups": ("A", "B"), "active": False}, source="A")
    record = Record(Kind.PRODUCT, "10", {"name": "Trui", "price": Decimal("1.10"), "text": None}, (part,))
    assert record_from_json(record_to_json(record)) == record
    assert record_from_json(record_to_json(a_group())) == a_group()
    assert to_json("Trui") == from_json("Trui") == "Trui"


def test_a_part_that_has_another_key_now_takes_the_place_of_what_its_source_was_before() -> None:
    def product(*parts: tuple[str, str]) -> Record:
        inside = (Record(Kind.ARTICLE, key, {"name": key}, source=source) for key, source in parts)
        return Record(Kind.PRODUCT, "P", {}, tuple(inside))

    old = product(("1", "A"), ("2", "B"), ("3", ""))
    assert merged(old, product(("9", "A"))) == product(("2", "B"), ("3", ""), ("9", "A"))


# ---- which codes can be numbers of the till, and which characters can be stored


@pytest.mark.parametrize(
    ("code", "number", "as_it_is"),
    [
        ("200101", True, True),
        ("9" * 18, True, True),
        ("9" * 19, False, False),
        ("0010007", True, False),
        ("0", True, False),
        ("", False, False),
        ("FTS-1001A", False, False),
        ("12 3", False, False),
        ("٣", False, False),
        ("²", False, False),
        ("-1", False, False),
    ],
)
def test_a_number_of_the_till_is_digits_that_fit_and_begins_with_none_that_is_lost(
    code: str, number: bool, as_it_is: bool
) -> None:
    assert (is_number(code), is_till_number(code)) == (number, as_it_is)


@pytest.mark.parametrize(
    ("text", "storable"), [("Crème brûlée 🔔", True), ("two\nlines\t", True), ("bell\a", False), ("half \ud800", False)]
)
def test_control_characters_and_halves_of_characters_cannot_be_stored(text: str, storable: bool) -> None:
    assert is_storable(text) is storable


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        ("Jas rood", "Jas rood"),
        ("bell\a and \x00 nothing", "bell and  nothing"),
        ("one\r\ntwo\rthree\n", "one\ntwo\nthree\n"),
        ("a\ttab", "a\ttab"),
        (None, None),
        (True, True),
    ],
)
def test_a_clean_text_is_given_back_as_it_was(value: Value, cleaned: Value) -> None:
    assert clean(value) == cleaned


# ---- corrections: what a person said a value should be holds until the source says something else


EAN = Correction(Kind.ARTICLE, "1001", "ean", was="871", becomes="8719990000014")


def test_a_value_that_was_corrected_is_taken_for_the_other_one() -> None:
    (record,) = with_corrections([an_article(ean="871")], {"1001": [EAN]})
    assert record == an_article(ean="8719990000014")


def test_what_the_source_changed_since_wins() -> None:
    record = an_article(ean="872")
    assert with_corrections([record], {"1001": [EAN]}) == [record]


def test_a_correction_of_another_record_or_kind_does_not_count() -> None:
    record = an_article(ean="871")
    assert with_corrections([record], {"1002": [EAN]}) == [record]
    assert not replace(EAN, kind=Kind.GROUP).holds_for(record)
    assert not replace(EAN, key="1002").holds_for(record)


def test_an_empty_text_and_no_value_are_the_same_thing_to_correct() -> None:
    assert replace(EAN, was="").holds_for(an_article(ean=None))
    assert replace(EAN, was="").holds_for(an_article())


def test_a_record_without_a_key_that_cannot_be_read_is_known_by_what_it_looks_like() -> None:
    error = WrongValueError("orderId", None)
    record, same_record, other = (unreadable(Kind.ORDER, "", error, raw) for raw in ("a", "a", "b"))
    assert record == same_record
    assert record.key != other.key
    assert unreadable(Kind.ORDER, "7", error, "a").key == "7"
    assert (record.raw_value, len(unreadable(Kind.ORDER, "7", error, "a" * 30_000).raw)) == ("", 20_000)


def test_a_field_is_gone_where_it_has_a_meaning_or_is_read_and_was_in_every_record() -> None:
    known_fields, reads = frozenset({"price", "K9_SORT", "K9_OTHER"}), frozenset({"K9_SORT", "K9_NEW"})
    fields = FieldPresence(absent=frozenset({"price", "changed"}), present_fields=frozenset({"K9_ELSE"}))
    assert fields.vanished(known_fields, reads) == ["K9_SORT", "price"]
    assert FieldPresence().vanished(known_fields, reads) == []
    null = FieldPresence(null=frozenset({"price", "K9_SORT", "K9_ELSE", "other"}), known_fields=frozenset({"price"}))
    assert null.newly_null(frozenset({"price", "K9_SORT", "K9_ELSE"}), frozenset({"K9_SORT"}), never_null=False) == [
        "K9_SORT",
        "price",
    ]
    alone, filled = replace(null, is_single_record=True), frozenset({"price"})
    assert alone.newly_null(filled, frozenset(), never_null=False) == []
    assert alone.newly_null(filled, frozenset(), never_null=True) == ["price"]


def test_a_field_of_several_pages_is_in_all_of_their_records_in_some_or_in_none() -> None:
    presence = FieldPresence(frozenset("ab"), frozenset("xy"), frozenset("abc"))
    other = FieldPresence(frozenset("bx"), frozenset("y"), frozenset("bx"))
    assert FieldPresence.combine_pages([presence, FieldPresence(), other]) == FieldPresence(
        frozenset("b"), frozenset("y"), frozenset("abcx")
    )
    assert FieldPresence.combine_pages([FieldPresence()]) == FieldPresence()


def test_there_is_one_kind_of_each_name_however_it_travels() -> None:
    assert Kind("sales_order") is Kind.SALES_ORDER is copy(Kind.SALES_ORDER)
    assert Kind.SALES_ORDER in kinds(RecordType.DOCUMENT)
    with pytest.raises(ValueError, match="already"):
        Kind.add("sales_order")
    with pytest.raises(ValueError, match="no kind of record: 'unheard_of'"):
        Kind("unheard_of")


def test_what_is_stored_may_be_of_a_kind_that_is_not_known() -> None:
    assert Kind.stored("sales_order") is Kind.SALES_ORDER
    kind = Kind.stored("unheard_of")
    assert (kind, kind.is_declared, kind.owned, kind.type) == ("unheard_of", False, False, RecordType.OTHER)
    assert kind not in kinds()
    assert (copy(kind), pickle.loads(pickle.dumps(kind)).is_declared) == (kind, False)  # noqa: S301 - our own
    content = {"kind": "unheard_of", "key": "1", "values": {}}
    assert record_to_json(record_from_json(content)) == content
