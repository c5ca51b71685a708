"""Carries out the intent `postgres.upsert` with psql."""

import json
import os
import subprocess
import sys

# psql quotes what stands in :'…', so a value never becomes a part of the statement.
UPSERT = """
INSERT INTO node_registrations AS known
    (node_id, name, node_type, node_version, capabilities, endpoints, announced_at)
VALUES (:'node_id', :'name', :'node_type', :'node_version', :'capabilities', :'endpoints', :'announced_at')
ON CONFLICT (node_id) DO UPDATE SET
    name = excluded.name, node_type = excluded.node_type, node_version = excluded.node_version,
    capabilities = excluded.capabilities, endpoints = excluded.endpoints, announced_at = excluded.announced_at
RETURNING json_build_object('table', 'node_registrations', 'node_id', known.node_id);
"""

with open(os.environ["ONEX_NODE_RESULTS"], encoding="utf-8") as file:
    results = json.load(file)
intents = results["nodes"]["compute_intents"]["value"]
row = next(intent["row"] for intent in intents if intent["kind"] == "postgres.upsert")

command = ["psql", "--no-psqlrc", "--no-password", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"]
command.append("--dbname=" + results["inputs"]["database"])
for column, value in row.items():
    command.append(f"--set={column}=" + (value if isinstance(value, str) else json.dumps(value)))
environment = {"PGCONNECT_TIMEOUT": "5", "PGCLIENTENCODING": "UTF8", **os.environ}
sys.exit(subprocess.run(command, input=UPSERT, text=True, env=environment, check=False).returncode)
