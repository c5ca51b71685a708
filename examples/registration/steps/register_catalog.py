"""Carries out the intent `catalog.register`: one PUT to the service catalog."""

import http.client
import json
import os
import sys
import urllib.error
import urllib.request

with open(os.environ["ONEX_NODE_RESULTS"], encoding="utf-8") as file:
    results = json.load(file)
intents = results["nodes"]["compute_intents"]["value"]
service = next(intent["service"] for intent in intents if intent["kind"] == "catalog.register")
catalog = results["inputs"]["catalog_url"].rstrip("/")

try:
    request = urllib.request.Request(f"{catalog}/v1/agent/service/register", json.dumps(service).encode(), method="PUT")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=5) as response:
        response.read()
except urllib.error.HTTPError as error:
    said = " ".join(error.read(500).decode(errors="replace").split())
    sys.exit(f"the catalog answered {error.code}: {said}")
except (OSError, http.client.HTTPException, ValueError) as error:
    sys.exit(f"cannot reach the catalog at {catalog}: {getattr(error, 'reason', error)}")
print(json.dumps({"service": service["Name"], "id": service["ID"]}))
