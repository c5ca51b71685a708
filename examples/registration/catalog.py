"""A service catalog over HTTP, in memory: `catalog.py FILE` writes its URL to FILE and serves until stopped."""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

MOST_BYTES = 1 << 20
services = {}
lock = threading.Lock()


def is_service(value):
    texts = isinstance(value, dict) and all(isinstance(value.get(key), str) and value[key] for key in ("ID", "Name"))
    return texts and isinstance(value.get("Tags", []), list)


class Catalog(BaseHTTPRequestHandler):
    """Registers services by their ID and lists them by their name."""

    timeout = 10

    def do_PUT(self):
        if self.path != "/v1/agent/service/register":
            return self.answer(404, {"error": "no such path"})
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            return self.answer(400, {"error": f"a body of at most {MOST_BYTES} bytes is needed"})
        try:
            service = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as error:
            return self.answer(400, {"error": f"the body is not JSON: {error}"})
        if not is_service(service):
            return self.answer(400, {"error": "a service has an ID and a Name, and may have a list of Tags"})
        with lock:
            services[service["ID"]] = service
        return self.answer(200, {})

    def do_GET(self):
        with lock:
            known = list(services.values())
        if self.path == "/v1/catalog/services":
            return self.answer(200, {service["Name"]: service.get("Tags", []) for service in known})
        prefix, _, name = self.path.rpartition("/")
        if prefix == "/v1/catalog/service":
            return self.answer(200, [service for service in known if service["Name"] == unquote(name)])
        return self.answer(404, {"error": "no such path"})

    def answer(self, status, value):
        body = json.dumps(value).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Catalog)
# Renamed into place, so that nobody reads half a URL.
with open(sys.argv[1] + ".new", "w", encoding="utf-8") as file:
    file.write(f"http://127.0.0.1:{server.server_port}\n")
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
