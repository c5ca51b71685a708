"""Prints the NodeRegistrationResult event; fails if both registrations did."""

import json
import os
import sys

with open(os.environ["ONEX_NODE_RESULTS"], encoding="utf-8") as file:
    results = json.load(file)
event, nodes = results["inputs"]["event"], results["nodes"]

registered = [node["status"] == "completed" for node in nodes.values()]
status = "success" if all(registered) else "partial" if any(registered) else "failed"
print(json.dumps({
    "event_type": "NodeRegistrationResult",
    "correlation_id": event["correlation_id"],
    "node_id": event["node_id"],
    "status": status,
    "registrations": {node_id: node["status"] for node_id, node in nodes.items()},
}))
if status == "failed":
    sys.exit("no registration succeeded")
