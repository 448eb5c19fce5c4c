"""Corrections: what a person said a value should be holds until the source says something else."""

from dataclasses import replace

from integration.core.corrections import Correction, corrected
from integration.core.records import Kind
from tests.builders import an_article

EAN = Correction(Kind.ARTICLE, "1001", "ean", was="871", becomes="8719990000014")


def test_a_value_that_was_corrected_is_taken_for_the_other_one() -> None:
    (record,) = corrected([an_article(ean="871")], {"1001": [EAN]})
    assert record == an_article(ean="8719990000014")


def test_what_the_source_changed_since_wins() -> None:
    record = an_article(ean="872")
    assert corrected([record], {"1001": [EAN]}) == [record]


def test_a_correction_of_another_record_or_kind_does_not_count() -> None:
    record = an_article(ean="871")
    assert corrected([record], {"1002": [EAN]}) == [record]
    assert not replace(EAN, kind=Kind.GROUP).holds_for(record)
    assert not replace(EAN, key="1002").holds_for(record)


def test_an_empty_text_and_no_value_are_the_same_thing_to_correct() -> None:
    assert replace(EAN, was="").holds_for(an_article(ean=None))
    assert replace(EAN, was="").holds_for(an_article())
