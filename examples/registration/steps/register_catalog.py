"""Carries out the intent `catalog.register`: one PUT to the service catalog."""

import http.client
import json
import sys
import urllib.error
import urllib.request

import results

inputs, intent = results.intent("catalog.register")
service, catalog = intent["service"], inputs["catalog_url"].rstrip("/")

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
