"""Prints the NodeRegistrationResult event; fails if both registrations did."""

import json
import sys

import results

known = results.read()
event, nodes = known["inputs"]["event"], known["nodes"]

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
