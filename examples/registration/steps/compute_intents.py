"""Prints the intents that follow from an introspection event; reads and changes nothing else."""

import json

import results

event = results.read()["nodes"]["receive_event"]["value"]

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
