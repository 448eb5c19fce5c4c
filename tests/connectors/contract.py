"""Requirements on every connector: subclass these tests, provide the fixtures, and they run against it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import pytest

from integration.connectors.protocol import Connector
from integration.core.errors import RejectedError
from integration.core.markers import change_ranges
from integration.core.plan import Action, differences
from integration.core.records import Batch, CurrentRecord, Kind, Location, Record, WriteResult
from tests.builders import a_create, a_group, a_part, a_product, an_update, an_update_at
from tests.fakes import Links

Touch = Callable[[str], None]


def pages(connector: Connector, kind: Kind, since: str | None = None) -> list[Batch]:
    """Return an extract, page by page."""
    batches = [connector.extract(kind, since)]
    while batches[-1].after is not None:
        batches.append(connector.extract(kind, since, batches[-1].after))
    return batches


def keys(batches: list[Batch]) -> list[str]:
    """Return the keys of all records, in the order they came."""
    return [record.key for batch in batches for record in batch.records]


class SourceContract:
    """Provide `connector`, over a source with groups and with articles on more than two pages, and `touch`.

    `touch(key)` changes the name of one article in the system itself.
    """

    @pytest.mark.parametrize("kind", [Kind.GROUP, Kind.ARTICLE])
    def test_every_record_is_extracted_once(self, connector: Connector, kind: Kind) -> None:
        record_keys = keys(pages(connector, kind))
        assert record_keys
        assert len(record_keys) == len(set(record_keys))

    def test_an_extract_comes_in_pages(self, connector: Connector) -> None:
        assert len(pages(connector, Kind.ARTICLE)) > 2

    def test_a_page_can_be_read_again(self, connector: Connector) -> None:
        first = connector.extract(Kind.ARTICLE)
        assert connector.extract(Kind.ARTICLE, None, first.after) == connector.extract(Kind.ARTICLE, None, first.after)

    def test_articles_have_the_fields_every_flow_needs(self, connector: Connector) -> None:
        for record in connector.extract(Kind.ARTICLE).records:
            assert record.kind is Kind.ARTICLE
            assert record.values["name"]
            assert isinstance(record.values["price"], Decimal)
            assert isinstance(record.values["blocked"], bool)

    def test_values_are_of_our_types_and_texts_are_trimmed(self, connector: Connector) -> None:
        for record in connector.extract(Kind.ARTICLE).records:
            for value in record.values.values():
                assert value is None or isinstance(value, bool | str | Decimal | date | datetime | tuple)
                assert not isinstance(value, str) or value == value.rstrip()

    def test_groups_have_a_name(self, connector: Connector) -> None:
        assert all(record.values["name"] for record in connector.extract(Kind.GROUP).records)

    def test_what_changed_since_a_stamp_is_extracted_and_the_rest_is_not(
        self, connector: Connector, touch: Touch
    ) -> None:
        complete = pages(connector, Kind.ARTICLE)
        changed = keys(complete)[1]
        touch(changed)
        changed_keys = keys(pages(connector, Kind.ARTICLE, complete[-1].stamp))
        assert changed in changed_keys
        assert len(changed_keys) < len(keys(complete))

    def test_what_changes_while_pages_turn_is_in_the_next_extract(self, connector: Connector, touch: Touch) -> None:
        first = connector.extract(Kind.ARTICLE)
        behind = first.records[0].key
        touch(behind)
        rest = [connector.extract(Kind.ARTICLE, None, first.after)]
        while rest[-1].after is not None:
            touch(rest[-1].records[-1].key)  # a later change must not push the stamp past the one behind us
            rest.append(connector.extract(Kind.ARTICLE, None, rest[-1].after))
        assert behind in keys(pages(connector, Kind.ARTICLE, rest[-1].stamp))

    def test_a_stamp_is_on_every_page(self, connector: Connector) -> None:
        assert all(batch.stamp for batch in pages(connector, Kind.ARTICLE))

    def test_records_are_fetched_by_key_and_a_key_that_is_gone_is_left_out(self, connector: Connector) -> None:
        page = connector.extract(Kind.ARTICLE).records
        records = connector.fetch(Kind.ARTICLE, [page[0].key, "no-such-code", page[1].key])
        assert sorted(records, key=lambda record: record.key) == sorted(page[:2], key=lambda record: record.key)

    def test_nothing_asked_is_nothing_fetched(self, connector: Connector) -> None:
        assert connector.fetch(Kind.ARTICLE, []) == []

    @pytest.mark.parametrize("kind", [Kind.GROUP, Kind.ARTICLE])
    def test_fields_have_one_name_each_and_include_ours(self, connector: Connector, kind: Kind) -> None:
        names = [field.name for field in connector.fields(kind)]
        assert "name" in names
        assert len(names) == len(set(names))

    def test_the_check_finds_nothing_wrong(self, connector: Connector) -> None:
        assert [finding for finding in connector.check() if not finding.ok] == []

    def test_the_check_tells_its_lines_as_it_finds_them(self, connector: Connector) -> None:
        reports: list[list[bool | None]] = []
        findings = connector.check(lambda lines: reports.append([line.ok for line in lines]))
        assert reports[0] == [None] * len(findings)
        assert [line.count(True) for line in reports] == sorted(line.count(True) for line in reports)


class TargetContract:
    """Provide `connector`, without products and groups of ours and allowed to write.

    Override `product` and `group` where the system needs other values than these; each needs a `name`, and the parts
    of a product need `price_incl` and `active`.
    """

    @pytest.fixture
    def product(self) -> Record:
        """A product with two articles."""
        return a_product("900100", (a_part("900101"), a_part("900102")))

    @pytest.fixture
    def group(self) -> Record:
        """An article group."""
        return a_group("ZZKLED")

    @pytest.fixture
    def links(self) -> Links:
        """Links from before: none, until a test adds some."""
        return Links()

    def create_record(self, connector: Connector, desired: Record, links: Links) -> WriteResult:
        """Write a new record and store its link."""
        result = connector.write(a_create(desired), None, links, f"create-{desired.key}")
        links.references[desired.kind, desired.key] = result.reference
        return result

    def look_up_record(self, connector: Connector, desired: Record, links: Links) -> CurrentRecord:
        """Return the record as the target has it."""
        return connector.lookup([desired], links)[desired.key]

    def test_what_the_target_does_not_have_is_left_out(
        self, connector: Connector, product: Record, group: Record, links: Links
    ) -> None:
        assert connector.lookup([product], links) == {}
        assert connector.lookup([group], links) == {}

    def test_what_is_shown_tells_whether_looks_can_see_anything(
        self, connector: Connector, product: Record, group: Record, links: Links
    ) -> None:
        for record in (group, product):
            self.create_record(connector, record, links)
            assert connector.shows(record.kind)

    def test_nothing_asked_is_nothing_looked_up(self, connector: Connector, links: Links) -> None:
        assert connector.lookup([], links) == {}

    @pytest.mark.parametrize("kind", ["product", "group"])
    def test_what_was_written_can_be_looked_up(
        self, connector: Connector, kind: str, request: pytest.FixtureRequest, links: Links
    ) -> None:
        desired: Record = request.getfixturevalue(kind)
        result = self.create_record(connector, desired, links)
        current = self.look_up_record(connector, desired, links)
        assert differences(desired, current.record) == ()
        assert current.reference == result.reference

    def test_what_was_written_is_found_without_a_link(
        self, connector: Connector, product: Record, links: Links
    ) -> None:
        self.create_record(connector, product, links)
        assert differences(product, self.look_up_record(connector, product, Links()).record) == ()

    def test_the_same_token_does_not_write_twice(self, connector: Connector, product: Record, links: Links) -> None:
        first = connector.write(a_create(product), None, links, "t1")
        assert connector.write(a_create(product), None, links, "t1").reference == first.reference

    def test_an_update_changes_what_it_names_and_nothing_else(
        self, connector: Connector, product: Record, links: Links
    ) -> None:
        self.create_record(connector, product, links)
        before = self.look_up_record(connector, product, links)
        price = f"{product.parts[0].key}/price_incl"
        connector.write(an_update_at(before.record, {price: Decimal("21.50")}), before, links, "t2")
        after = self.look_up_record(connector, product, links).record.flat()
        assert after[price] == Decimal("21.50")
        assert differences(product, self.look_up_record(connector, product, links).record) == (price,)
        assert after.keys() == before.record.flat().keys()

    def test_a_group_can_be_renamed(self, connector: Connector, group: Record, links: Links) -> None:
        self.create_record(connector, group, links)
        before = self.look_up_record(connector, group, links)
        connector.write(an_update(before.record, name="Mode"), before, links, "t2")
        assert self.look_up_record(connector, group, links).record.values["name"] == "Mode"

    def test_an_article_can_be_retired(self, connector: Connector, product: Record, links: Links) -> None:
        self.create_record(connector, product, links)
        before = self.look_up_record(connector, product, links)
        active = f"{product.parts[1].key}/active"
        connector.write(an_update_at(before.record, {active: False}, Action.RETIRE), before, links, "t2")
        assert differences(product, self.look_up_record(connector, product, links).record) == (active,)

    def test_an_article_can_join_a_product(self, connector: Connector, product: Record, links: Links) -> None:
        self.create_record(connector, product, links)
        before = self.look_up_record(connector, product, links)
        joining = Record(product.kind, product.key, {}, (a_part("900103"),), product.source)
        change = a_create(joining)
        connector.write(
            an_update_at(Record(product.kind, product.key, {}, (a_part("900103"),)), change.desired.flat()),
            before,
            links,
            "t2",
        )
        after = self.look_up_record(connector, product, links).record
        assert {part.key for part in after.parts} == {"900101", "900102", "900103"}

    def test_an_article_in_another_product_is_reported(
        self, connector: Connector, product: Record, links: Links
    ) -> None:
        other = a_product("900200", (a_part("900201"),), name="Elders")
        self.create_record(connector, product, links)
        existing = self.create_record(connector, other, links)
        desired = replace(product, parts=product.parts + other.parts)
        current = self.look_up_record(connector, desired, links)
        assert {part.key for part in current.record.parts} == {"900101", "900102"}
        assert current.elsewhere == {"900201": Location(existing.reference, "Elders", "900201")}
        assert self.look_up_record(connector, product, links).elsewhere == {}

    def test_an_article_under_another_number_is_reported(
        self, connector: Connector, product: Record, links: Links
    ) -> None:
        existing = self.create_record(connector, product, links)
        first, second = product.parts
        links.references[Kind.ARTICLE, first.source] = first.key
        renumbered = replace(product, parts=(replace(first, key="900109"), second))
        expected = {"900109": Location(existing.reference, str(product.values["name"]), first.key)}
        assert self.look_up_record(connector, renumbered, links).elsewhere == expected
        alone = Record(product.kind, "900300", product.values, renumbered.parts[:1])
        assert self.look_up_record(connector, alone, links).elsewhere == expected

    def test_a_product_without_a_link_is_the_one_with_most_of_its_articles(
        self, connector: Connector, product: Record, links: Links
    ) -> None:
        existing = self.create_record(connector, product, links)
        self.create_record(connector, a_product("900200", (a_part("900201"),)), links)
        desired = Record(product.kind, "900300", product.values, (a_part("900201"), *product.parts))
        current = self.look_up_record(connector, desired, links)
        assert current.reference == existing.reference
        assert list(current.elsewhere) == ["900201"]

    def test_a_write_over_something_that_moved_is_refused(
        self, connector: Connector, product: Record, links: Links
    ) -> None:
        self.create_record(connector, product, links)
        old = self.look_up_record(connector, product, links)
        connector.write(an_update(old.record, name="Eerst"), old, links, "t2")
        with pytest.raises(RejectedError, match="target_changed_since_plan"):
            connector.write(an_update(old.record, name="Later"), old, links, "t3")
        assert self.look_up_record(connector, product, links).record.values["name"] == "Eerst"

    def test_what_changed_since_a_marker_is_reported(self, connector: Connector, product: Record, links: Links) -> None:
        other = a_product("900200", (a_part("900201"),))
        self.create_record(connector, other, links)
        self.create_record(connector, product, links)
        since = self.look_up_record(connector, product, links).marker
        before = self.look_up_record(connector, other, links)
        connector.write(an_update(before.record, name="Anders"), before, links, "t2")
        batch = connector.read_changes(Kind.PRODUCT, since)
        articles = {part.key for record in batch.records for part in record.parts}
        assert "900201" in articles
        assert "900101" not in articles
        assert before.reference in {record.key for record in batch.records}
        assert batch.stamp

    def test_what_has_a_known_marker_need_not_be_reported(
        self, connector: Connector, product: Record, links: Links
    ) -> None:
        start = connector.read_changes(Kind.PRODUCT, "").stamp or ""
        other = a_product("900300", (a_part("900301"),))
        self.create_record(connector, product, links)
        self.create_record(connector, other, links)
        ours = self.look_up_record(connector, product, links).marker
        known_ranges = change_ranges(range(int(start) + 1, int(ours) + 1))
        batch = connector.read_changes(Kind.PRODUCT, start, known_ranges=known_ranges)
        assert [part.key for record in batch.records for part in record.parts] == ["900301"]

    def test_an_empty_marker_gives_one_to_begin_with(self, connector: Connector, product: Record, links: Links) -> None:
        start = connector.read_changes(Kind.PRODUCT, "").stamp
        assert start
        self.create_record(connector, product, links)
        articles = {part.key for record in connector.read_changes(Kind.PRODUCT, start).records for part in record.parts}
        assert {part.key for part in product.parts} <= articles

    def test_a_change_tells_how_many_calls_it_takes(self, connector: Connector, product: Record) -> None:
        assert connector.calls(a_create(product)) >= 1


class CustomerTargetContract:
    """Provide `connector`, allowed to write, and `customer`, which the target does not have.

    The customer has values of its own for `name`, `city`, `email` and `vat_number`.
    """

    @pytest.fixture
    def links(self) -> Links:
        """Links from before: none, until a test adds some."""
        return Links()

    def create_record(self, connector: Connector, desired: Record, links: Links) -> CurrentRecord:
        """Write a new customer, store its link, and return it as the target has it."""
        result = connector.write(a_create(desired), None, links, f"create-{desired.key}")
        links.references[desired.kind, desired.key] = result.reference
        return connector.lookup([desired], links)[desired.key]

    def with_other_key(self, customer: Record, *names: str) -> Record:
        """Return a customer under another key that shares only these values."""
        values = {name: customer.values[name] for name in ("name", *names)}
        return Record(customer.kind, f"{customer.key}9", values)

    def test_a_customer_the_target_does_not_have_is_left_out(
        self, connector: Connector, customer: Record, links: Links
    ) -> None:
        assert connector.lookup([customer], links) == {}

    def test_a_customer_that_was_written_is_found_by_its_link(
        self, connector: Connector, customer: Record, links: Links
    ) -> None:
        current = self.create_record(connector, customer, links)
        assert differences(customer, current.record) == ()
        assert (current.reference, current.evidence) == (links.references[customer.kind, customer.key], "link")

    def test_a_customer_that_was_written_is_found_without_its_link(
        self, connector: Connector, customer: Record, links: Links
    ) -> None:
        reference = self.create_record(connector, customer, links).reference
        current = connector.lookup([customer], Links())[customer.key]
        assert (current.reference, current.evidence, current.other_references) == (reference, "external_id", ())

    @pytest.mark.parametrize("name", ["vat_number", "email"])
    def test_a_customer_made_by_others_is_found_by_what_only_it_has(
        self, connector: Connector, customer: Record, links: Links, name: str
    ) -> None:
        reference = self.create_record(connector, customer, links).reference
        other = self.with_other_key(customer, name)
        current = connector.lookup([other], Links())[other.key]
        assert (current.reference, current.evidence) == (reference, name)

    def test_a_name_alone_matches_nobody(self, connector: Connector, customer: Record, links: Links) -> None:
        self.create_record(connector, customer, links)
        assert connector.lookup([self.with_other_key(customer)], Links()) == {}

    def test_two_customers_that_fit_are_both_named(self, connector: Connector, customer: Record, links: Links) -> None:
        other = self.with_other_key(customer, "email")
        references = {self.create_record(connector, record, links).reference for record in (customer, other)}
        third = Record(customer.kind, f"{customer.key}8", other.values)
        current = connector.lookup([third], Links())[third.key]
        assert {current.reference, *current.other_references} == references

    def test_an_update_of_a_customer_changes_what_it_names_and_nothing_else(
        self, connector: Connector, customer: Record, links: Links
    ) -> None:
        before = self.create_record(connector, customer, links)
        connector.write(an_update(before.record, city="Zeist"), before, links, "t2")
        after = connector.lookup([customer], links)[customer.key].record
        assert after.values["city"] == "Zeist"
        assert differences(customer, after) == ("city",)
