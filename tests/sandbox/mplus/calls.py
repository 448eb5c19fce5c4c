"""Calls of the till sandbox that several tests make."""

from integration.sandbox.mplus.app import Till
from tests.sandbox.soap_client import RawClient, Reply, prefix_tags, tags, wrap_in_envelope

TEA = (
    "<articleNumber>500001</articleNumber><description>Fietsbel</description>"
    "<turnoverGroup>40</turnoverGroup><vatCode>2</vatCode>"
)


WITH_BARCODE = TEA.replace("<turnoverGroup>", "<barcode>8719990000016</barcode><turnoverGroup>")


def create(till: RawClient, article: str = f"{TEA}<priceIncl>1210</priceIncl>", rest: str = "") -> Reply:
    return till.call(
        prefix_tags(
            f"<createProduct><product><articleList><article>{article}</article></articleList>{rest}</product></createProduct>"
        )
    )


def update(till: RawClient, product: str) -> Reply:
    return till.call(prefix_tags(f"<updateProduct><product>{product}</product></updateProduct>"))


def read(till: RawClient, *numbers: int, more: str = "") -> Reply:
    elements = "".join(f"<articleNumbers>{number}</articleNumbers>" for number in numbers)
    return till.ask("getProducts", f"{elements}<pluNumbers/>{more}")


def page(till: RawClient, operation: str, marker: int, limit: int) -> Reply:
    wrappers = "" if operation == "getRelations" else "<articlePluNumbers/><articleBarcodes/>"
    return till.ask(operation, f"<syncMarker>{marker}</syncMarker><syncMarkerLimit>{limit}</syncMarkerLimit>{wrappers}")


def new_group(till: RawClient, name: str, parent: int = 0) -> int:
    reply = till.ask("newArticleGroup", f"<parentGroupNumber>{parent}</parentGroupNumber><name>{name}</name><text/>")
    assert reply.text("result") == "NEW-ARTICLE-GROUP-RESULT-OK"
    return int(reply.text("groupNumber"))


def order(ext: str = "W-1", quantity: int = 2, more: str = "", order_id: str = "") -> str:
    data = tags(quantity=quantity, decimalPlaces=0, price=1210, vatCode=2)
    line = tags(line=tags(articleNumber=500001, data=data))
    return (
        f"<order><orderId>{order_id}</orderId><extOrderId>{ext}</extOrderId>{more}<lineList>{line}</lineList></order>"
    )


def ask_till(till: Till, content: str) -> Reply:
    message = wrap_in_envelope(prefix_tags(content))
    return Reply(200, till.answered(till.parse_request(message.encode()), None).body)
