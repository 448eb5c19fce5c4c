"""The products that the till holds, however many they are."""

import time

from integration.sandbox.faults import CallLedger, Switches
from integration.sandbox.mplus.app import Till
from integration.sandbox.shop.shop import make_shop
from tests.sandbox.mplus.calls import ask_till
from tests.sandbox.soap_client import tags


def test_a_hundred_thousand_articles_are_read_in_no_time() -> None:
    till = Till(make_shop(40), Switches(), CallLedger())
    begin = time.process_time()
    for start in range(0, 2000, 10):
        articles = "".join(
            tags(article=tags(articleNumber=700000 + start + place, vatCode=2, priceIncl=100)) for place in range(10)
        )
        ask_till(till, f"<createProduct><product><articleList>{articles}</articleList></product></createProduct>")
    created_at = time.process_time()
    numbers = "".join(f"<articleNumbers>{700000 + 10 * place}</articleNumbers>" for place in range(200))
    reply = ask_till(till, f"<getProducts><request>{numbers}<pluNumbers></pluNumbers></request></getProducts>")
    read_ = time.process_time()
    assert len(reply.texts("product/productNumber")) == 200
    assert created_at - begin < 10
    assert read_ - created_at < 1
