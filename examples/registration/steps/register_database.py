"""Carries out the intent `postgres.upsert` with psql."""

import json
import os
import subprocess
import sys

import results

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

inputs, intent = results.intent("postgres.upsert")
command = ["psql", "--no-psqlrc", "--no-password", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"]
command.append("--dbname=" + inputs["database"])
for column, value in intent["row"].items():
    command.append(f"--set={column}=" + (value if isinstance(value, str) else json.dumps(value)))
environment = {"PGCONNECT_TIMEOUT": "5", "PGCLIENTENCODING": "UTF8", **os.environ}
sys.exit(subprocess.run(command, input=UPSERT, text=True, env=environment, check=False).returncode)
