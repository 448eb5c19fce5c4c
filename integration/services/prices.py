"""Customer prices: the agreed price with its explanation, compared with the price that the till would charge."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import structlog

from integration.connectors.protocol import Connector, Pricing
from integration.core.authorization import requires
from integration.core.errors import IntegrationError
from integration.core.flow import Ownership
from integration.core.issues import Issue, IssueOccurrence
from integration.core.links import Link
from integration.core.people import Right
from integration.core.prices import (
    OfferPrecedence,
    PricePaid,
    PriceQuery,
    PriceScope,
    Purchase,
    TillPrice,
    effective_price,
    offer_queries,
    price_queries,
    terms_in,
)
from integration.core.records import Kind, Record
from integration.core.rules import as_text
from integration.core.run import Run
from integration.core.timetable import WALL_CLOCK
from integration.flows.prices import BRANCHES, OFFERS, PRICE_GROUPS
from integration.flows.settings import BOOKS, TILL
from integration.flows.spec import FlowLogic, stage_records
from integration.services.mappings.code_lists import CodeLists
from integration.services.mappings.mappings import Logics
from integration.services.systems.connection_settings import ConnectorFactory
from integration.store.database import Clock
from integration.store.erasure_register import ErasureRegister, SoFar
from integration.store.issues import Issues
from integration.store.links import Links
from integration.store.rules import MappingStore

log = structlog.get_logger(__name__)

HALF_CENT = Decimal("0.005")
CAUSE, BRANCH_CAUSE, OFFER_CAUSE = "price_charged_otherwise", "price_charged_in_branch", "price_charged_on_day"
LINKS_PAGE = 500
CUSTOMERS_PAGE = 100  # customers per page of the nightly check
MAX_CUSTOMER_QUERIES = 100  # queries per customer
MAX_COMMIT_QUERIES = 200  # queries after a commit
MAX_OF_BRANCHES = 1_000  # queries about branch prices per page of the check
BY_BRANCH = "branch:"  # prefix of positions after all customers: articles with branch prices
NEWEST = 50  # most recently written records that are checked after a commit


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """A linked customer or article: our key, the till's number, and its title."""

    key: str
    number: str
    title: str
    agreed: Record
    now: Record | None = None  # the current values of the books, if they were queried

    @property
    def desired_record(self) -> Record:
        """The values that the till should have."""
        return self.now or self.agreed


@dataclass(frozen=True, slots=True)
class PriceComparison:
    """The price of a quantity of an article in a branch, for one customer or without a customer, by both systems.

    With a `day` it is the price of that day, including its offers; without one, the price of now without offers.
    `till_price` is None if the till gives no answer. `sources` has the codes of the books for price group and branch.
    """

    customer: KnownRecord | None
    article: KnownRecord
    quantity: Decimal
    branch: str
    paid: PricePaid
    till_price: TillPrice | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    day: date | None = None

    @property
    def charged(self) -> Decimal | None:
        """The price that the till charges, with or without VAT like the price of the books."""
        if self.till_price is None:
            return None
        return self.till_price.incl if self.paid.incl else self.till_price.excl

    @property
    def proven(self) -> bool | None:
        """True if both prices are equal; None if the till gives no answer.

        The till computes a price without VAT from its price including VAT, whose rounding is half a cent per piece at
        most. A discount and the total are rounded once more each.
        """
        if self.charged is None:
            return None
        roundings = 0 if self.paid.incl else self.quantity + (2 if self.paid.steps[-1].is_percent else 1)
        difference = abs(self.charged - self.paid.total)
        return not difference or difference < roundings * HALF_CENT


class Prices:
    """Customer prices, and the nightly check that queries them from the till."""

    def __init__(
        self,
        links: Links,
        issues: Issues,
        erased: ErasureRegister,
        rules: MappingStore,
        access: ConnectorFactory,
        lists: CodeLists,
        logics: Logics,
        *,
        customers: str,
        products: str,
        clock: Clock,
    ) -> None:
        """Store the dependencies. `customers` and `products` are the names of the flows that send prices."""
        self._links = links
        self._issues = issues
        self._erased = erased
        self._rules = rules
        self._access = access
        self._lists = lists
        self._logics = logics
        self._flow = customers
        self._products = products
        self._clock = clock

    def _is_sent(self, flow: str) -> bool:
        """Return True if the settings of a flow make it send prices."""
        settings = self._logics.settings(flow).model_dump()
        return settings.get("customer_prices") is True or settings.get("temporary_prices") is True

    @requires(Right.SEE)
    def offer_day(self) -> date | None:
        """Return today, to include the offers of the day; None if the settings send no offers."""
        settings = self._logics.settings(self._products).model_dump()
        return self._clock().astimezone(ZoneInfo(WALL_CLOCK)).date() if settings.get("temporary_prices") else None

    def _offer_precedence(self) -> OfferPrecedence:
        settings = self._logics.settings(self._products).model_dump()
        return OfferPrecedence(settings.get("offers_win_over") or OfferPrecedence.PRICE_GROUPS)

    def _groups(self) -> Mapping[str, str]:
        """Return the price groups of branches, which apply to sales without a customer."""
        return self._lists.choices(TILL.system, "branch_price_groups")

    @property
    @requires(Right.SEE)
    def flow(self) -> str:
        """The flow that sends customer prices."""
        return self._flow

    # ---- available records

    @requires(Right.SEE)
    def branches(self) -> Mapping[str, str]:
        """Return the names of the branches of the till by number."""
        return self._lists.choices(TILL.system, "branches")

    @requires(Right.SEE)
    def are_sent(self) -> bool:
        """Return True if any flow sends customer prices."""
        return self._is_sent(self.flow) or self._is_sent(self._products)

    @requires(Right.SEE)
    def has_till_prices(self) -> bool:
        """Return True if the till can report the price a customer pays. Queries the till. Raises IntegrationError."""
        till = self._access.connector(TILL.system)
        return isinstance(till, Pricing) and till.can_calculate_prices()

    @requires(Right.SEE)
    def customers(self) -> list[KnownRecord]:
        """Return the linked customers, by name."""
        customers = (
            _known_record(link, link.agreed) for link in self._all_links(self.flow, Kind.RELATION) if link.agreed
        )
        return sorted(customers, key=lambda customer: customer.title.casefold())

    @requires(Right.SEE)
    def articles(self) -> list[KnownRecord]:
        """Return the linked articles, by code."""
        return sorted(_articles(self._all_links(self._products, Kind.PRODUCT)), key=lambda article: article.key)

    def _all_links(self, flow: str, kind: Kind) -> Iterator[Link]:
        after = ""
        while page := self._links.page(flow, kind, after, LINKS_PAGE):
            yield from page
            after = page[-1].key

    # ---- one price and its explanation

    @requires(Right.SEE)
    def explain_price(
        self,
        customer: KnownRecord | None,
        article: KnownRecord,
        quantity: Decimal,
        branch: str,
        day: date | None = None,
    ) -> PriceComparison | None:
        """Return the price with its explanation, and the till's own price if it answers; None if there is no price.

        `day` is the day of the sale, today by default; it decides only if the settings send offers.
        Raises IntegrationError if a system is unreachable.
        """
        (current_article,) = self._with_book_values(self._products, [article])
        current_customer = self._with_book_values(self.flow, [customer])[0] if customer else None
        today = self.offer_day()
        comparison = self._expected_comparison(
            current_customer, current_article, quantity, branch, (day or today) if today else None
        )
        if comparison is None or not self.has_till_prices():
            return comparison
        return self._query_till([comparison])[0]

    def _with_book_values(self, flow: str, records: Sequence[KnownRecord]) -> list[KnownRecord]:
        """Return customers or articles with the current values of the books, or the agreed values if there are none.

        The agreed values alone are not enough, because the books may have added or removed a price since.
        """
        current_values = current_source_values(
            self._logics.current_logic(flow),
            self._access.connector(BOOKS.system),
            {record.key: record.agreed for record in records if record.now is None},
        )
        return [replace(record, now=record.now or current_values.get(record.key)) for record in records]

    def _expected_comparison(
        self,
        customer: KnownRecord | None,
        article: KnownRecord,
        quantity: Decimal,
        branch: str,
        day: date | None = None,
    ) -> PriceComparison | None:
        # The group of the branch applies only without a customer: a customer may have a till group that no flow wrote.
        group = "" if customer else self._groups().get(branch, "")
        buyer = customer.desired_record if customer else None
        of = effective_price(
            Purchase(article.desired_record, buyer, quantity, branch, group, day, self._offer_precedence())
        )
        if of is None:
            return None
        return PriceComparison(customer, article, quantity, branch, of, sources=self._sources(of), day=day)

    def _sources(self, of: PricePaid) -> dict[str, str]:
        """Return the codes of the books for each price group and branch that the price uses."""
        tables = {
            str(PriceScope.PRICE_GROUP): PRICE_GROUPS.name,
            str(PriceScope.BRANCH): BRANCHES.name,
            str(PriceScope.OFFER): OFFERS.name,
        }
        codes = ((step, self._rules.tables().get(tables[step.by], {})) for step in of.steps if step.by in tables)
        return {
            f"{step.by}:{step.number}": ", ".join(code for code, number in rows.items() if number == step.number)
            for step, rows in codes
        }

    def _query_till(self, comparisons: Sequence[PriceComparison]) -> list[PriceComparison]:
        till = self._access.connector(TILL.system)
        if not isinstance(till, Pricing):
            return list(comparisons)
        charges = [
            PriceQuery(
                comparison.article.number,
                comparison.customer.number if comparison.customer else "",
                comparison.quantity,
                comparison.branch,
                comparison.day,
            )
            for comparison in comparisons
        ]
        answers = till.till_prices(charges)
        return [replace(comparison, till_price=answer) for comparison, answer in zip(comparisons, answers, strict=True)]

    # ---- the check

    def page(self, position: str) -> str:
        """Check the prices of one page of customers and, after all customers, of articles with branch prices.

        Returns the position of the next page, empty at the end. Each difference opens an exception, and a difference
        that is gone closes it. If the till does not answer such queries or is unreachable, nothing is recorded.
        """
        return self._erased.retry_if_erased(lambda so_far: self._page(position, so_far)) if self.are_sent() else ""

    def _page(self, position: str, so_far: SoFar) -> str:
        if position.startswith(BY_BRANCH):
            return self._page_of_branches(position.removeprefix(BY_BRANCH), so_far)
        links = self._links.page(self.flow, Kind.RELATION, position, CUSTOMERS_PAGE)
        try:
            if links and self.has_till_prices():
                comparisons = self.prove(
                    [_known_record(link, link.agreed) for link in links if link.agreed], self.articles()
                )
                self._store_price_issues([link.key for link in links], comparisons, so_far)
        except IntegrationError:
            return ""
        return links[-1].key if len(links) == CUSTOMERS_PAGE else BY_BRANCH

    def _page_of_branches(self, after: str, so_far: SoFar) -> str:
        links = self._links.page(self._products, Kind.PRODUCT, after, LINKS_PAGE)
        try:
            if not links or not self.has_till_prices():
                return ""
            checked_count = self._check_branch_prices(links, MAX_OF_BRANCHES, so_far)
        except IntegrationError:
            return ""
        return (
            BY_BRANCH + links[checked_count - 1].key
            if checked_count < len(links) or checked_count == LINKS_PAGE
            else ""
        )

    def _check_branch_prices(self, links: Sequence[Link], max_queries: int, so_far: SoFar) -> int:
        """Check branch prices of the first of these articles, with about `max_queries` queries.

        Returns the number of articles handled. An article that the till did not answer, or that has more prices than
        one check queries, is logged, and its exceptions stay as they are.
        """
        expected: list[tuple[str, PriceComparison]] = []
        checked_count, left_out = 0, set[str]()
        current = {article.number: article for article in self._with_book_values(self._products, _articles(links))}
        for link in links:
            articles = [current[article.number] for article in _articles([link])]
            comparisons = self._expected_of([None], articles)
            if expected and len(expected) + len(comparisons) > max_queries:
                break
            left_out |= (
                {link.key}
                if len({(comparison.article.key, comparison.quantity) for comparison in comparisons})
                == MAX_CUSTOMER_QUERIES
                else set()
            )
            comparisons += self._expected_of_offers(articles) if self.offer_day() else []
            expected += [(link.key, comparison) for comparison in comparisons]
            checked_count += 1
        keys = [key for key, _ in expected]
        answers = list(zip(keys, self._query_till([comparison for _, comparison in expected]), strict=True))
        left_out |= {
            key for key, comparison in answers if comparison.till_price is None or self._is_of_unknown_group(comparison)
        }
        if left_out:
            log.info(
                "not every price of a branch was queried or answered", flow=self._products, articles=sorted(left_out)
            )
        occurrences = [
            IssueOccurrence(
                _offer_issue(key, comparison) if _is_of_offer(comparison) else _branch_issue(key, comparison),
                str(Kind.PRODUCT),
                comparison.article.title,
            )
            for key, comparison in answers
            if comparison.proven is False and not self._is_of_unknown_group(comparison)
        ]
        checked_keys = [link.key for link in links[:checked_count] if link.key not in left_out]
        self._issues.store_check_result(self._products, checked_keys, (BRANCH_CAUSE, OFFER_CAUSE), occurrences, so_far)
        return checked_count

    def _is_of_unknown_group(self, comparison: PriceComparison) -> bool:
        """Return True if a branch charged a group price and the till does not report the price group of the branch."""
        has_groups = any(term.scope is PriceScope.PRICE_GROUP for term in terms_in(comparison.article.agreed.values))
        by_group = has_groups and comparison.till_price is not None and "group" in comparison.till_price.by
        return by_group and comparison.branch not in self._groups()

    def check_written(self, run: Run, _position: str) -> str:
        """Check the prices of the most recently written records after a commit, in one page. Skips all other records.

        The engine calls this after each commit of the flows of articles and customers.
        """
        if self._is_sent(run.flow):
            self._erased.retry_if_erased(lambda so_far: self._check_written_prices(run, so_far))
        return ""

    def _check_written_prices(self, run: Run, so_far: SoFar) -> None:
        try:
            if not self.has_till_prices():
                return
            of_articles, of_customers = (
                list(self._links_to_check(run.flow, self._products, Kind.PRODUCT)),
                self.customers(),
            )
            if run.flow == self.flow:
                of_customers = [
                    _known_record(link, link.agreed) for link in self._links_to_check(run.flow, run.flow, Kind.RELATION)
                ]
            comparisons = self.prove(of_customers, _articles(of_articles), MAX_COMMIT_QUERIES)
            self._store_price_issues([], comparisons, so_far)
            if run.flow == self._products and of_articles:
                self._check_branch_prices(of_articles, MAX_COMMIT_QUERIES, so_far)
        except IntegrationError:
            return

    @requires(Right.REPAIR)
    def check_prices_again(self, flow: str, keys: Collection[str]) -> bool:
        """Check again all agreed prices of these customers, or the branch prices of these articles.

        Returns whether the till answers such queries. Raises IntegrationError if it is unreachable.
        """
        return self._erased.retry_if_erased(lambda so_far: self._recheck(flow, keys, so_far))

    def _recheck(self, flow: str, keys: Collection[str], so_far: SoFar) -> bool:
        if not self.has_till_prices():
            return False
        if flow == self._products:
            products = list(self._links.get(flow, Kind.PRODUCT, keys).values())
            while products:
                products = products[self._check_branch_prices(products, MAX_OF_BRANCHES, so_far) :]
            return True
        links = self._links.get(self.flow, Kind.RELATION, keys).values()
        comparisons = self.prove([_known_record(link, link.agreed) for link in links if link.agreed], self.articles())
        self._store_price_issues(list(keys), comparisons, so_far)
        return True

    def _links_to_check(self, ran: str, flow: str, kind: Kind) -> Iterator[Link]:
        return iter(self._links.newest_links(flow, kind, NEWEST)) if ran == flow else self._all_links(flow, kind)

    @requires(Right.COMPARE)
    def prove(
        self, customers: Sequence[KnownRecord], articles: Sequence[KnownRecord], limit: int = 0
    ) -> list[PriceComparison]:
        """Return the agreed prices of these customers with the till's answers, at most `limit` (0: all)."""
        return self._query_till(self._expected_of(customers, articles)[: limit or None])

    @requires(Right.COMPARE)
    def prove_offers(self, articles: Sequence[KnownRecord], limit: int = 0) -> list[PriceComparison]:
        """Return the prices of these articles around the periods of their offers, with the till's answers.

        The prices are those of a sale without a customer. Returns at most `limit` prices; 0 means all. Raises
        IntegrationError if a system is unreachable.
        """
        return self._query_till(self._expected_of_offers(articles)[: limit or None])

    def _expected_of_offers(self, articles: Sequence[KnownRecord]) -> list[PriceComparison]:
        """Return the prices by the books on the first and last day of each offer, and on the days beside them."""
        first = next(iter(self.branches()), "")
        comparisons = (
            self._expected_comparison(None, article, quantity, first, day)
            for article in self._with_book_values(self._products, articles)
            for quantity, day in _offer_queries(article)
        )
        return [comparison for comparison in comparisons if comparison]

    def _expected_of(
        self, customers: Sequence[KnownRecord | None], articles: Sequence[KnownRecord]
    ) -> list[PriceComparison]:
        """Return the prices by the books for these customers; the key None is a sale without a customer."""
        first = next(iter(self.branches()), "")
        people = {who.key: who for who in self._with_book_values(self.flow, [who for who in customers if who])}
        by_customer = [
            (customer, _queries(articles, customer)) for customer in (who and people[who.key] for who in customers)
        ]
        numbers = {number for _, queries in by_customer for number, _ in queries}
        queried = [record for record in articles if record.number in numbers]
        by_number = {record.number: record for record in self._with_book_values(self._products, queried)}
        expected: list[PriceComparison] = []
        day = self.offer_day()
        for customer, queries in by_customer:
            for number, quantity in queries:
                article = by_number[number]
                terms = [*terms_in(article.desired_record.values), *terms_in(article.agreed.values)]
                own = [term.number for term in terms if term.scope is PriceScope.BRANCH]
                for branch in dict.fromkeys([first, *own]):
                    comparison = self._expected_comparison(customer, article, quantity, branch, day)
                    expected += [comparison] if comparison else []
        return expected

    def _store_price_issues(self, keys: Sequence[str], comparisons: Sequence[PriceComparison], so_far: SoFar) -> None:
        occurrences: dict[tuple[str, str], IssueOccurrence] = {}  # the first difference per customer and article
        for comparison in comparisons:
            if comparison.proven is False and comparison.customer:
                issue = price_issue(comparison)
                occurrences.setdefault(
                    (issue.key, issue.field), IssueOccurrence(issue, str(Kind.RELATION), comparison.customer.title)
                )
        self._issues.store_check_result(self.flow, keys, (CAUSE,), list(occurrences.values()), so_far)


def _queries(articles: Sequence[KnownRecord], customer: KnownRecord | None) -> list[tuple[str, Decimal]]:
    """Return the article numbers and quantities to ask the till about for a customer.

    These are the ones with a term by the current values, then the ones with a term by the agreed values.
    """
    current = price_queries(
        [article.desired_record for article in articles],
        customer.desired_record if customer else None,
        MAX_CUSTOMER_QUERIES,
    )
    agreed = price_queries(
        [article.agreed for article in articles], customer.agreed if customer else None, MAX_CUSTOMER_QUERIES
    )
    queries = dict.fromkeys((article.key, quantity) for article, quantity in (*current, *agreed))
    return list(queries)[:MAX_CUSTOMER_QUERIES]


def _offer_queries(article: KnownRecord) -> list[tuple[Decimal, date]]:
    """Return the quantities and days to ask the till about for the current and the agreed offers of an article."""
    return list(dict.fromkeys([*offer_queries(article.desired_record), *offer_queries(article.agreed)]))


def price_issue(comparison: PriceComparison) -> Issue:
    """Return the issue of a price that the till does not charge as agreed, with both amounts."""
    customer = comparison.customer.title if comparison.customer else ""
    facts = {
        "key": customer,
        "article": comparison.article.key,
        "quantity": f"{comparison.quantity.normalize():f}",
        "branch": comparison.branch,
        "expected": f"{comparison.paid.total:f}",
        "charged": f"{comparison.charged or Decimal(0):f}",
        "system": TILL.system,
    }
    return Issue(CAUSE, comparison.customer.key if comparison.customer else "", comparison.article.number, facts)


def _branch_issue(key: str, comparison: PriceComparison) -> Issue:
    """Return the issue of a branch price that the till does not charge as agreed, with both amounts."""
    facts = {
        "key": comparison.article.key,
        "article": comparison.article.key,
        "quantity": f"{comparison.quantity.normalize():f}",
        "branch": comparison.branch,
        "expected": f"{comparison.paid.total:f}",
        "charged": f"{comparison.charged or Decimal(0):f}",
        "system": TILL.system,
    }
    return Issue(BRANCH_CAUSE, key, f"{comparison.article.number}:{comparison.branch}", facts)


def _is_of_offer(comparison: PriceComparison) -> bool:
    return bool(_offer_queries(comparison.article)) and comparison.day is not None


def _offer_issue(key: str, comparison: PriceComparison) -> Issue:
    """Return the issue of a price that the till does not charge as agreed on a day, with both amounts."""
    branch = _branch_issue(key, comparison)
    return Issue(OFFER_CAUSE, key, f"{branch.field}:{comparison.day}", {**branch.facts, "day": f"{comparison.day}"})


def with_equal_values(logic: FlowLogic, agreed: Record, now: Record) -> Record:
    """Return the agreed record with the books' current values in all fields that are kept equal."""

    def is_equal(name: str) -> bool:
        return logic.policy.get(f"{agreed.kind}.{name}", Ownership.NEVER) is Ownership.KEEP_EQUAL

    agreed_values = {name: value for name, value in agreed.values.items() if not is_equal(name)}
    return replace(agreed, values=agreed_values | {name: value for name, value in now.values.items() if is_equal(name)})


def current_source_values(logic: FlowLogic, source: Connector, agreed: Mapping[str, Record]) -> dict[str, Record]:
    """Return the values that the target should have by the current source, by key.

    `agreed` has the last agreed records. Records that no longer exist, take no part or are parked are left out.
    """
    stage = logic.flow.counted_stage
    records = source.fetch(stage.source, list(agreed)) if agreed else []
    desired_records = {
        staged.key: staged.record for staged in stage_records(logic, stage, records) if staged.record is not None
    }
    parts = {key: next(iter(record.parts), record) for key, record in desired_records.items()}
    return {key: with_equal_values(logic, agreed[key], part) for key, part in parts.items() if key in agreed}


def _known_record(link: Link, agreed: Record | None) -> KnownRecord:
    record = agreed or Record(link.kind, link.key, {})
    return KnownRecord(link.key, link.reference, as_text(record.values.get("name")) or link.key, record)


def _articles(links: Iterator[Link] | Sequence[Link]) -> list[KnownRecord]:
    return [
        KnownRecord(part.source or part.key, part.key, as_text(part.values.get("name")) or part.key, part)
        for link in links
        if link.agreed
        for part in link.agreed.parts
    ]
