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
url = results["inputs"]["catalog_url"].rstrip("/") + "/v1/agent/service/register"

try:
    request = urllib.request.Request(url, json.dumps(service).encode(), {"Content-Type": "application/json"}, method="PUT")
    with urllib.request.urlopen(request, timeout=5) as response:
        response.read()
except urllib.error.HTTPError as error:
    sys.exit(f"the catalog answered {error.code}: {error.read(500).decode(errors='replace').strip()}")
except (OSError, http.client.HTTPException, ValueError) as error:
    sys.exit(f"cannot reach the catalog at {url}: {getattr(error, 'reason', error)}")
print(json.dumps({"service": service["Name"], "id": service["ID"]}))
