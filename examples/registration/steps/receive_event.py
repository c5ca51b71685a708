"""Checks the introspection event of the inputs and prints it in its normal form."""

import json
import re
import sys
from datetime import datetime, timezone

import results

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
KINDS = ("effect", "compute", "reducer", "orchestrator")


def is_text(value, pattern):
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


def instant(value):
    """The moment that an ISO 8601 text names, or None."""
    try:
        # Python before 3.11 does not know `Z`.
        moment = datetime.fromisoformat(re.sub("Z$", "+00:00", value))
        return moment.astimezone(timezone.utc) if moment.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None


def are_names(values):
    return all(is_text(value, r"[A-Za-z0-9_.-]{1,63}") for value in values)


def is_list_of_names(value):
    return isinstance(value, list) and are_names(value)


def is_mapping_to_urls(value):
    if not isinstance(value, dict) or not are_names(value):
        return False
    return all(is_text(url, r"https?://[!-~]+") for url in value.values())


CHECKS = {
    "event_type": ("`NodeIntrospectionEvent`", lambda value: value == "NodeIntrospectionEvent"),
    "correlation_id": ("a UUID in lower case", lambda value: is_text(value, UUID)),
    "timestamp": ("an ISO 8601 time with its zone", instant),
    "node_id": ("a UUID in lower case", lambda value: is_text(value, UUID)),
    "name": ("a name such as `invoice_renderer`", lambda value: is_text(value, r"[a-z][a-z0-9_-]{0,62}")),
    "node_type": ("one of " + ", ".join(KINDS), lambda value: isinstance(value, str) and value.lower() in KINDS),
    "node_version": ("a version such as `1.4.0`", lambda value: is_text(value, r"[0-9]+(\.[0-9]+){2}")),
    "capabilities": ("a list of names", is_list_of_names),
    "endpoints": ("a mapping from names to http URLs", is_mapping_to_urls),
}

event = results.read()["inputs"]["event"]

problems = []
for field, (wanted, check) in CHECKS.items():
    if field not in event:
        problems.append(f"  {field} is missing")
    elif not check(event[field]):
        problems.append(f"  {field} is {json.dumps(event[field])[:60]}, not {wanted}")
if problems:
    sys.exit("\n".join(["this is no introspection event:", *problems]))

normal = {field: event[field] for field in CHECKS}
normal["timestamp"] = instant(event["timestamp"]).isoformat()
normal["node_type"] = event["node_type"].lower()
normal["capabilities"] = sorted(set(event["capabilities"]))
print(json.dumps(normal))
