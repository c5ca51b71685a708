"""What a node is told: the inputs of the run, and the results of the nodes that it depends on."""

import json
import os


def read():
    results = json.loads(os.environ["ONEX_NODE_RESULTS"])
    # What is too long for a variable is in a file.
    if "file" in results:
        with open(results["file"], encoding="utf-8") as file:
            results = json.load(file)
    return results


def value(node):
    return read()["nodes"][node]["value"]
