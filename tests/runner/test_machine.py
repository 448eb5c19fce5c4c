"""Random events in the books, at the till and on the network: both systems end in agreement, or the reason is known.

One run after another is made on real files. In between people edit both systems, add and remove records, the till
refuses some and answers get lost.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from integration.core.money import add_vat
from integration.core.records import Kind, Record
from integration.core.run import Mode
from integration.core.states import RunState, Step
from tests.builders import a_group, an_article
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness, articles, edit_record
from tests.stores import new_database

EXPECTED = {"request_refused", "target_record_missing", "field_conflict", "never_answered"}
CODES = [str(number) for number in range(1001, 1007)]
codes = st.sampled_from(CODES)
prices = st.decimals(min_value=1, max_value=99, places=2)
words = st.sampled_from(["Trui", "Jas", "Broek", "Helm"])


@contextmanager
def a_harness() -> Iterator[FlowHarness]:
    with tempfile.TemporaryDirectory() as folder:
        database = new_database(Path(folder) / "console.sqlite")
        try:
            source = MemoryConnector(articles(*CODES[:3]), system="accountview")
            yield FlowHarness(database, source, MemoryConnector(system="mplus"))
        finally:
            database.close()


class TwoSystems(RuleBasedStateMachine):
    """The books and the till of a shop, and everything people do to them."""

    def __init__(self) -> None:
        super().__init__()
        self.held_open = ExitStack()
        self.harness = self.held_open.enter_context(a_harness())
        target = self.harness.connectors["mplus"]
        assert isinstance(target, MemoryConnector)
        self.books, self.till = self.harness.source, target
        self.refused: set[str] = set()
        self.foreign: dict[str, str] = {}  # a field of the till alone, by product
        self.removed: set[str] = set()  # from the till, by hand
        self.is_losing = False  # an answer; until the next run something stays there by which a look is known to see

    def teardown(self) -> None:
        self.held_open.close()

    # ---- what people do

    @rule(code=codes, price=prices, name=words)
    def enter_or_change_an_article(self, code: str, price: Decimal, name: str) -> None:
        self.books.put(an_article(code, price=price, name=f"{name} {code}"))

    @precondition(lambda self: len(self.books.records_of(Kind.ARTICLE)) > 1)
    @rule(data=st.data())
    def delete_an_article(self, data: st.DataObject) -> None:
        self.books.remove(Kind.ARTICLE, data.draw(st.sampled_from(sorted(self.books.records_of(Kind.ARTICLE)))))

    @rule(name=words)
    def rename_the_group(self, name: str) -> None:
        self.books.put(a_group(name=name))

    @precondition(lambda self: self.till.records_of(Kind.PRODUCT))
    @rule(data=st.data(), price=prices)
    def change_a_price_at_the_till(self, data: st.DataObject, price: Decimal) -> None:
        code = self._a_product(data)
        edit_record(self.till, code, {f"{code}/price_incl": price}, Kind.PRODUCT)

    @precondition(lambda self: self.till.records_of(Kind.PRODUCT))
    @rule(data=st.data(), name=words)
    def rename_a_product_at_the_till(self, data: st.DataObject, name: str) -> None:
        edit_record(self.till, self._a_product(data), {"name": f"{name} van de kassa"}, Kind.PRODUCT)

    @precondition(lambda self: self.till.records_of(Kind.PRODUCT))
    @rule(data=st.data(), printer=words)
    def set_a_field_of_the_till_alone(self, data: st.DataObject, printer: str) -> None:
        code = self._a_product(data)
        edit_record(self.till, code, {f"{code}/kitchen_printer": printer}, Kind.PRODUCT)
        self.foreign[code] = printer

    @precondition(lambda self: self.till.records_of(Kind.PRODUCT) and not self.is_losing)
    @rule(data=st.data())
    def delete_a_product_at_the_till(self, data: st.DataObject) -> None:
        code = self._a_product(data)
        self.till.remove(Kind.PRODUCT, code)
        self.foreign.pop(code, None)
        self.removed.add(code)

    def _a_product(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.till.records_of(Kind.PRODUCT))))

    # ---- what goes wrong

    @precondition(lambda self: self.till.records_of(Kind.PRODUCT))  # of the very first record, a person is asked
    @rule(code=codes, after=st.booleans())
    def lose_the_next_answer(self, code: str, after: bool) -> None:
        self.till.lose_answer(code, after=after)
        self.is_losing = True

    @rule(code=codes)
    def refuse_an_article(self, code: str) -> None:
        self.till.refuse(code)
        self.refused.add(code)

    @precondition(lambda self: self.refused)
    @rule()
    def refuse_no_longer(self) -> None:
        for code in self.refused:
            self.till.accept(code)
        self.refused = set()

    # ---- what the console does

    @rule()
    def run_what_changed(self) -> None:
        assert self.harness.run(Mode.CHANGES).state is RunState.DONE
        self.is_losing = False

    @rule(code=codes, price=prices)
    def run_while_somebody_is_at_the_till(self, code: str, price: Decimal) -> None:
        run = self.harness.preview(Mode.CHANGES)
        if code in self.till.records_of(Kind.PRODUCT):
            edit_record(self.till, code, {f"{code}/price_incl": price}, Kind.PRODUCT)
        if run.state is RunState.READY:
            assert self.harness.commit(run).state is RunState.DONE

    @rule()
    def run_complete_and_compare(self) -> None:
        self.is_losing = False
        self.harness.run(Mode.COMPLETE)  # what was parked as edited meanwhile is judged again by the next one
        run = self.harness.run(Mode.COMPLETE)
        assert run.state is RunState.DONE
        causes = self.harness.causes(run)
        assert Step.PROVEN not in self.harness.steps(run).values(), "the second run still found something to do"
        for code, article in self.books.records_of(Kind.ARTICLE).items():
            if code not in causes:
                self._assert_agreed(article, self.till.records_of(Kind.PRODUCT)[code])
        for code, cause in causes.items():
            assert cause in {"request_refused", "target_record_missing", "field_conflict", "never_answered"}, (
                code,
                cause,
            )
            assert (cause != "request_refused") or code in self.refused
            assert (cause != "target_record_missing") or code in self.removed
        for code, product in self.till.records_of(Kind.PRODUCT).items():
            if code not in self.books.records_of(Kind.ARTICLE) and code not in causes:
                assert product.flat()[f"{code}/active"] is False

    @staticmethod
    def _assert_agreed(article: Record, product: Record) -> None:
        till_values = product.flat()
        price = article.values["price"]
        assert isinstance(price, Decimal)
        assert till_values[f"{article.key}/price_incl"] == add_vat(price, Decimal(21)).quantize(Decimal("0.01"))
        assert till_values[f"{article.key}/active"] is True
        assert till_values[f"{article.key}/external_id"] == article.key
        name = str(till_values["name"])  # owned until somebody edits it at the till
        assert name == article.values["name"] or name.endswith("van de kassa")

    # ---- what always holds

    @invariant()
    def nothing_is_doubled(self) -> None:
        numbers = [part.key for product in self.till.records_of(Kind.PRODUCT).values() for part in product.parts]
        assert len(numbers) == len(set(numbers))
        assert len(self.till.records_of(Kind.GROUP)) <= 1

    @invariant()
    def fields_of_the_till_alone_are_as_they_were(self) -> None:
        products = self.till.records_of(Kind.PRODUCT)
        assert {code: products[code].flat()[f"{code}/kitchen_printer"] for code in self.foreign} == self.foreign


TestTwoSystems = TwoSystems.TestCase
TestTwoSystems.settings = settings(max_examples=6, stateful_step_count=15, suppress_health_check=[HealthCheck.too_slow])
