"""The fake keeps the contract too, or tests on it would prove nothing."""

from dataclasses import replace

import pytest

from integration.core.errors import InDoubtError, RejectedError, UnavailableError
from integration.core.records import Kind, Record
from tests.builders import a_create, a_group, a_product, an_article
from tests.connectors.contract import SourceContract, TargetContract, Touch
from tests.fakes import Links, MemoryConnector


class TestMemoryAsSource(SourceContract):
    @pytest.fixture
    def connector(self) -> MemoryConnector:
        articles = [an_article(str(number)) for number in range(1001, 1008)]
        return MemoryConnector([a_group(), a_group("SCHO", name="Schoenen"), *articles], page_size=3)

    @pytest.fixture
    def touch(self, connector: MemoryConnector) -> Touch:
        def change(key: str) -> None:
            article = connector.records_of(Kind.ARTICLE)[key]
            connector.put(replace(article, values={**article.values, "name": "Anders"}))

        return change


class TestMemoryAsTarget(TargetContract):
    @pytest.fixture
    def connector(self) -> MemoryConnector:
        return MemoryConnector()


PRODUCT: Record = a_product()


def test_a_refusal_is_kept_until_it_is_lifted() -> None:
    target = MemoryConnector()
    target.refuse(PRODUCT.key, "te lang")
    with pytest.raises(RejectedError, match="te lang"):
        target.write(a_create(PRODUCT), None, Links(), "t1")
    target.accept(PRODUCT.key)
    assert target.write(a_create(PRODUCT), None, Links(), "t1").reference


@pytest.mark.parametrize("after", [True, False])
def test_a_lost_answer_leaves_the_write_in_place(*, after: bool) -> None:
    target = MemoryConnector()
    target.lose_answer(PRODUCT.key, after=after)
    with pytest.raises(InDoubtError):
        target.write(a_create(PRODUCT), None, Links(), "t1")
    assert (PRODUCT.key in target.records_of(Kind.PRODUCT)) is after
    assert target.write(a_create(PRODUCT), None, Links(), "t1").reference
    assert target.writes == [PRODUCT.key]


def test_a_system_that_went_away_comes_back() -> None:
    target = MemoryConnector()
    target.go_away()
    with pytest.raises(UnavailableError):
        target.extract(Kind.ARTICLE)
    assert target.extract(Kind.ARTICLE).records == ()


def test_a_link_counts_more_than_the_key() -> None:
    target = MemoryConnector([PRODUCT])
    current = target.lookup([PRODUCT], Links())[PRODUCT.key]
    renamed = replace(PRODUCT, key="2002")
    matches = target.lookup([renamed], Links({(Kind.PRODUCT, "2002"): current.reference}))
    assert matches["2002"].reference == current.reference
