"""Relations at the till sandbox: stored, found and listed by page."""

from tests.sandbox.mplus.calls import page
from tests.sandbox.soap_client import RawClient, prefix_tags


class TestRelations:
    def make(self, till: RawClient, fields: str) -> str:
        reply = till.call(prefix_tags(f"<createRelation><relation>{fields}</relation></createRelation>"))
        assert reply.text("result") == "CREATE-RELATION-RESULT-OK"
        return reply.text("relationNumber")

    def test_an_update_keeps_what_it_does_not_mention(self, till: RawClient) -> None:
        number = self.make(till, "<name>John Doe</name><email>john@doe.example</email><nieuwVeld>x</nieuwVeld>")
        till.call(
            prefix_tags(
                f"<updateRelation><relation><relationNumber>{number}</relationNumber><city>Zeist</city></relation></updateRelation>"
            )
        )
        reply = till.call(prefix_tags(f"<getRelation><relationNumber>{number}</relationNumber></getRelation>"))
        assert [reply.text(name) for name in ("name", "city", "email", "nieuwVeld")] == [
            "John Doe",
            "Zeist",
            "john@doe.example",
            "x",
        ]

    def test_a_part_is_enough_for_finding_unless_it_must_be_exact(self, till: RawClient) -> None:
        number = self.make(till, "<name>John Doe</name><email>john@doe.example</email>")

        def find(term: str, *, exact: bool) -> str:
            ask = f"<relation>{term}</relation><exactMatch>{str(exact).lower()}</exactMatch>"
            return till.ask("findRelationV2", ask).text("relationNumber")

        partial = till.call(prefix_tags("<findRelation><relation><name>john d</name></relation></findRelation>"))
        assert partial.text("relationNumber") == number
        assert find("<email>doe.example</email>", exact=False) == number
        assert find("<email>doe.example</email>", exact=True) == ""
        assert find("<email>John@Doe.example</email>", exact=True) == number

    def test_finding_by_number_is_a_fault(self, till: RawClient) -> None:
        reply = till.call(
            prefix_tags("<findRelation><relation><relationNumber>1001</relationNumber></relation></findRelation>")
        )
        assert "Use getRelation instead" in reply.fault[1]

    def test_a_missing_one_is_not_found_and_the_answer_is_whole(self, till: RawClient) -> None:
        reply = till.call(prefix_tags("<getRelation><relationNumber>5</relationNumber></getRelation>"))
        assert reply.text("result") == "GET-RELATION-RESULT-NOT-FOUND"
        assert len(reply.texts("relation")) == 1

    def test_a_taken_number_is_refused(self, till: RawClient) -> None:
        reply = till.call(
            prefix_tags("<createRelation><relation><relationNumber>1001</relationNumber></relation></createRelation>")
        )
        assert reply.text("result") == "CREATE-RELATION-RESULT-FAILED-RELATION-NUMBER-ALREADY-TAKEN"

    def test_paging_by_marker_meets_every_relation_once(self, till: RawClient) -> None:
        self.make(till, "<name>Laatste</name>")
        first = page(till, "getRelations", 1, 50)
        rest = page(till, "getRelations", max(map(int, first.texts("relation/syncMarker"))) + 1, 50)
        numbers = first.texts("relation/relationNumber") + rest.texts("relation/relationNumber")
        assert len(numbers) == len(set(numbers)) == 68
        assert "Laatste" in rest.texts("relation/name")
