"""What customers pay: by what both systems agreed on and why, and beside it what the till itself would charge."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from integration.connectors.protocol import Connector, Pricing
from integration.core.errors import IntegrationError
from integration.core.issues import Issue, Met
from integration.core.links import Link
from integration.core.prices import Buying, Charge, Charged, Of, PricePaid, asked_about, paid, terms_in
from integration.core.records import Kind, Record
from integration.core.rules import as_text
from integration.core.run import Run
from integration.flows.prices import BRANCHES, PRICE_GROUPS
from integration.store.erased import Erased, SoFar
from integration.store.issues import Issues
from integration.store.links import Links

CAUSE = "price_charged_otherwise"
LINKS_PAGE = 500
CUSTOMERS_PAGE = 100  # customers asked for together by night
MOST_EACH = 100  # questions about one customer
MOST_AFTER = 200  # questions after a commit
NEWEST = 50  # records written last, about which is asked then


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """A customer or article that both systems have: our key, the till's number, and how people call it."""

    key: str
    number: str
    title: str
    agreed: Record


@dataclass(frozen=True, slots=True)
class Proof:
    """What one customer, or nobody in particular, pays for a quantity of an article in a branch, by both systems.

    `told` is None where the till gives no answer. `sources` are the codes of the books behind price group and branch.
    """

    customer: KnownRecord | None
    article: KnownRecord
    quantity: Decimal
    branch: str
    paid: PricePaid
    told: Charged | None = None
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def charged(self) -> Decimal | None:
        """What the till charges, with VAT or without like what the books say."""
        if self.told is None:
            return None
        return self.told.incl if self.paid.incl else self.told.excl

    @property
    def proven(self) -> bool | None:
        """Whether both are the same; None where the till gives no answer."""
        return None if self.charged is None else self.charged == self.paid.total


class Prices:
    """Prices of customers as people look at them, and the look that asks the till for them."""

    def __init__(
        self,
        links: Links,
        issues: Issues,
        erased: Erased,
        *,
        till: Callable[[], Connector],
        customers: str,
        products: str,
        is_sent: Callable[[str], bool],
        rows: Callable[[str], Mapping[str, str]],
        branches: Callable[[], Mapping[str, str]],
    ) -> None:
        """`is_sent` tells whether a flow is on and set to send them, `rows` are those of a value table."""
        self._links = links
        self._issues = issues
        self._erased = erased
        self._till = till
        self.flow = customers
        self._products = products
        self._is_sent = is_sent
        self._rows = rows
        self.branches = branches

    # ---- what there is

    def are_sent(self) -> bool:
        """Tell whether any flow sends prices of customers."""
        return self._is_sent(self.flow) or self._is_sent(self._products)

    def are_told(self) -> bool:
        """Tell whether the till answers what customers pay; it is asked. Raises IntegrationError."""
        till = self._till()
        return isinstance(till, Pricing) and till.tells_prices()

    def customers(self) -> list[KnownRecord]:
        """Return the customers that both systems have, by their names."""
        found = (_known(link, link.agreed) for link in self._all(self.flow, Kind.RELATION) if link.agreed)
        return sorted(found, key=lambda one: one.title.casefold())

    def articles(self) -> list[KnownRecord]:
        """Return the articles that both systems have, by their codes."""
        return sorted(_articles(self._all(self._products, Kind.PRODUCT)), key=lambda one: one.key)

    def _all(self, flow: str, kind: Kind) -> Iterator[Link]:
        after = ""
        while page := self._links.page(flow, kind, after, LINKS_PAGE):
            yield from page
            after = page[-1].key

    # ---- one price, and why

    def one(self, customer: KnownRecord | None, article: KnownRecord, quantity: Decimal, branch: str) -> Proof | None:
        """Return what is paid and why, with the till's own answer where it gives one; None without any price.

        Raises IntegrationError when the till cannot be spoken to.
        """
        found = self._expected(customer, article, quantity, branch)
        if found is None or not self.are_told():
            return found
        return self._asked([found])[0]

    def _expected(
        self, customer: KnownRecord | None, article: KnownRecord, quantity: Decimal, branch: str
    ) -> Proof | None:
        of = paid(Buying(article.agreed, customer.agreed if customer else None, quantity, branch))
        if of is None:
            return None
        return Proof(customer, article, quantity, branch, of, sources=self._sources(of))

    def _sources(self, of: PricePaid) -> dict[str, str]:
        """Return which code of the books each price group and branch is."""
        tables = {str(Of.PRICE_GROUP): PRICE_GROUPS.name, str(Of.BRANCH): BRANCHES.name}
        codes = ((step, self._rows(tables[step.by])) for step in of.steps if step.by in tables)
        return {
            f"{step.by}:{step.number}": ", ".join(code for code, number in rows.items() if number == step.number)
            for step, rows in codes
        }

    def _asked(self, found: Sequence[Proof]) -> list[Proof]:
        till = self._till()
        if not isinstance(till, Pricing):
            return list(found)
        charges = [
            Charge(one.article.number, one.customer.number if one.customer else "", one.quantity, one.branch)
            for one in found
        ]
        answers = till.charged(charges)
        return [replace(one, told=told) for one, told in zip(found, answers, strict=True)]

    # ---- the look

    def page(self, position: str) -> str:
        """Ask for what is agreed with one page of customers; return where the next begins, empty at the end.

        A difference is an exception of its own; one that is gone is closed. Where the till does not answer such
        questions, or cannot be spoken to, nothing is said.
        """
        return self._erased.looking(lambda so_far: self._page(position, so_far)) if self.are_sent() else ""

    def _page(self, position: str, so_far: SoFar) -> str:
        links = self._links.page(self.flow, Kind.RELATION, position, CUSTOMERS_PAGE)
        try:
            if links and self.are_told():
                proofs = self.prove([_known(link, link.agreed) for link in links if link.agreed], self.articles())
                self._tell([link.key for link in links], proofs, so_far)
        except IntegrationError:
            return ""
        return links[-1].key if len(links) == CUSTOMERS_PAGE else ""

    def written(self, run: Run) -> None:
        """Ask about what was written last, once a run of such a flow has ended. What was not asked stays as it is."""
        if run.flow in (self.flow, self._products) and self._is_sent(run.flow):
            self._erased.looking(lambda so_far: self._written(run, so_far))

    def _written(self, run: Run, so_far: SoFar) -> None:
        try:
            if not self.are_told():
                return
            of_articles, of_customers = list(self._newest(run.flow, self._products, Kind.PRODUCT)), self.customers()
            if run.flow == self.flow:
                of_customers = [_known(link, link.agreed) for link in self._newest(run.flow, run.flow, Kind.RELATION)]
            proofs = self.prove(of_customers, _articles(of_articles), MOST_AFTER)
            self._tell([], proofs, so_far)
        except IntegrationError:
            return

    def again(self, keys: Collection[str]) -> bool:
        """Ask once more what these customers pay for all that is agreed; tell whether the till answers such questions.

        Raises IntegrationError when the till cannot be spoken to.
        """
        return self._erased.looking(lambda so_far: self._asked_again(keys, so_far))

    def _asked_again(self, keys: Collection[str], so_far: SoFar) -> bool:
        links = self._links.get(self.flow, Kind.RELATION, keys).values()
        if not self.are_told():
            return False
        proofs = self.prove([_known(link, link.agreed) for link in links if link.agreed], self.articles())
        self._tell(list(keys), proofs, so_far)
        return True

    def _newest(self, ran: str, flow: str, kind: Kind) -> Iterator[Link]:
        return iter(self._links.newest(flow, kind, NEWEST)) if ran == flow else self._all(flow, kind)

    def prove(self, customers: Sequence[KnownRecord], articles: Sequence[KnownRecord], most: int = 0) -> list[Proof]:
        """Return what these customers pay for all that is agreed on, as both say; of `most` questions, if given."""
        by_number = {one.number: one for one in articles}
        first = next(iter(self.branches()), "")
        expected: list[Proof] = []
        for customer in customers:
            asked = asked_about([one.agreed for one in articles], customer.agreed, MOST_EACH)
            for article, quantity in asked:
                known = by_number[article.key]
                own = [term.number for term in terms_in(article.values) if term.of is Of.BRANCH]
                for branch in dict.fromkeys([first, *own]):
                    found = self._expected(customer, known, quantity, branch)
                    expected += [found] if found else []
        return self._asked(expected[: most or None])

    def _tell(self, keys: Sequence[str], proofs: Sequence[Proof], so_far: SoFar) -> None:
        met: dict[tuple[str, str], Met] = {}  # of a customer and an article, the first that differs
        for one in proofs:
            if one.proven is False and one.customer:
                issue = price_issue(one)
                met.setdefault((issue.key, issue.field), Met(issue, str(Kind.RELATION), one.customer.title))
        self._issues.looked(self.flow, keys, (CAUSE,), list(met.values()), so_far)


def price_issue(one: Proof) -> Issue:
    """Return the exception that a price is which the till does not charge as agreed, with both amounts."""
    customer = one.customer.title if one.customer else ""
    facts = {
        "key": customer, "article": one.article.key, "quantity": f"{one.quantity.normalize():f}", "branch": one.branch,
        "expected": f"{one.paid.total:f}", "charged": f"{one.charged or Decimal(0):f}", "system": "mplus",
    }  # fmt: skip
    return Issue(CAUSE, one.customer.key if one.customer else "", one.article.number, facts)


def _known(link: Link, agreed: Record | None) -> KnownRecord:
    record = agreed or Record(link.kind, link.key, {})
    return KnownRecord(link.key, link.reference, as_text(record.values.get("name")) or link.key, record)


def _articles(links: Iterator[Link] | Sequence[Link]) -> list[KnownRecord]:
    return [
        KnownRecord(part.source or part.key, part.key, as_text(part.values.get("name")) or part.key, part)
        for link in links
        if link.agreed
        for part in link.agreed.parts
    ]
