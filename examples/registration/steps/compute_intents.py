"""Prints the intents that follow from an introspection event; reads and changes nothing else."""

import json
import os

with open(os.environ["ONEX_NODE_RESULTS"], encoding="utf-8") as results:
    event = json.load(results)["nodes"]["receive_event"]["value"]

service = {
    "ID": event["node_id"],
    "Name": event["name"],
    "Tags": [event["node_type"], *event["capabilities"]],
    "Meta": {"version": event["node_version"], **{f"endpoint_{name}": url for name, url in event["endpoints"].items()}},
}
columns = ("node_id", "name", "node_type", "node_version", "capabilities", "endpoints")
row = {column: event[column] for column in columns}
row["announced_at"] = event["timestamp"]
print(json.dumps([{"kind": "catalog.register", "service": service}, {"kind": "postgres.upsert", "row": row}]))
