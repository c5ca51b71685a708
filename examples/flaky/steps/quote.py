"""Prices an order with what the nodes before it found out."""

import json
import os


def price(price_eur, ordered):
    nodes = json.loads(os.environ["ONEX_NODE_RESULTS"])["nodes"]
    if ordered > nodes["stock"]["value"]["left"]:
        raise ValueError("not enough in stock")
    # The rate of today where there is one; otherwise what stood in for it.
    source = "rate" if nodes["rate"]["status"] == "completed" else "yesterday"
    rate = nodes[source]["value"]["rate"]
    return {"usd": round(price_eur * ordered * rate, 2), "rate": rate, "source": source}
