"""Article groups of the till sandbox: a tree with products in it."""

from tests.sandbox.mplus.calls import create, new_group, read
from tests.sandbox.soap_client import RawClient


class TestGroups:
    def test_a_fresh_till_has_none(self, till: RawClient) -> None:
        assert till.ask("getArticleGroups").texts("groupNumber") == []

    def test_they_are_a_tree_and_also_a_list(self, till: RawClient) -> None:
        top = new_group(till, "Kleding")
        below = new_group(till, "Shirts", top)
        tree = till.ask("getArticleGroups").body
        nested = tree.find("{*}articleGroupList/{*}articleGroups/{*}subGroupList/{*}articleGroups/{*}name")
        flat = till.ask("getArticleGroupChanges")
        assert nested.text == "Shirts"
        assert flat.texts("parentGroupNumber") == ["0", str(top)]
        assert flat.texts("subGroupNumbers/number") == [str(below)]

    def test_a_missing_parent_is_refused(self, till: RawClient) -> None:
        reply = till.ask("newArticleGroup", "<parentGroupNumber>9</parentGroupNumber><name>x</name><text/>")
        assert reply.text("result") == "NEW-ARTICLE-GROUP-RESULT-PARENT-NOTFOUND"

    def test_it_cannot_be_put_below_itself(self, till: RawClient) -> None:
        top = new_group(till, "Kleding")
        below = new_group(till, "Shirts", top)
        reply = till.ask(
            "updateArticleGroup", f"<groupNumber>{top}</groupNumber><parentGroupNumber>{below}</parentGroupNumber>"
        )
        assert reply.text("result") == "SAVE-ARTICLE-GROUP-RESULT-FAILED"

    def test_deleting_takes_the_subgroups_along_and_a_marker_tells(self, till: RawClient) -> None:
        top = new_group(till, "Kleding")
        new_group(till, "Shirts", top)
        product = create(till, rest=f"<groupNumbers>{top}</groupNumbers>").text("productNumber")
        marker = int(till.call("<ns:getCurrentSyncMarkers/>").text("articleGroupSyncMarker"))
        assert till.ask("deleteArticleGroup", f"<groupNumber>{top}</groupNumber>").text("result").endswith("-OK")
        changes = till.ask("getArticleGroupChanges", f"<syncMarker>{marker + 1}</syncMarker>")
        reply = till.ask("getProducts", f"<pluNumbers/><productNumbers>{product}</productNumbers>")
        assert till.ask("getArticleGroups").texts("groupNumber") == []
        assert changes.texts("isDeleted") == ["true", "true"]
        assert reply.texts("groupNumbers") == []

    def test_products_are_added_replaced_and_taken_out_by_their_number(self, till: RawClient) -> None:
        group = new_group(till, "Bellen")
        first, second, third = (
            create(till, f"<articleNumber>{number}</articleNumber>").text("productNumber")
            for number in (500001, 500002, 500003)
        )

        def send(operation: str, *products: str, more: str = "") -> str:
            numbers = "".join(f"<number>{product}</number>" for product in products)
            return till.ask(
                operation, f"<groupNumber>{group}</groupNumber>{more}<productNumbers>{numbers}</productNumbers>"
            ).text("result")

        def members() -> list[str]:
            return till.ask("getArticleGroups").texts("productNumbers/number")

        assert send("addProductsToArticleGroup", first, second).endswith("-RESULT-OK")
        assert send("addProductsToArticleGroup", third, more="<position>1</position>").endswith("-RESULT-OK")
        assert members() == [third, first, second]
        assert read(till, 500003).texts("sortOrderGroup/sortOrder") == ["1"]
        assert send("deleteProductsFromArticleGroup", first).endswith("-RESULT-OK")
        assert members() == [third, second]
        assert send("replaceProductsOfArticleGroup", first).endswith("-RESULT-OK")
        assert members() == [first]
        assert send("addProductsToArticleGroup", "98765") == "ADD-PRODUCTS-TO-ARTICLE-GROUP-RESULT-NOT-FOUND"

    def test_a_product_names_its_groups_when_it_is_made(self, till: RawClient) -> None:
        group = new_group(till, "Bellen")
        place = f"<sortOrderGroup><groupNumber>{group}</groupNumber><sortOrder>7</sortOrder></sortOrderGroup>"
        create(till, rest=f"<sortOrderGroupList>{place}</sortOrderGroupList>")
        reply = read(till, 500001)
        assert reply.texts("product/groupNumbers") == [str(group)]
        assert reply.texts("sortOrderGroup/sortOrder") == ["7"]
        assert till.ask("getProducts", f"<groupNumbers>{group}</groupNumbers><pluNumbers/>").texts(
            "article/articleNumber"
        ) == ["500001"]
