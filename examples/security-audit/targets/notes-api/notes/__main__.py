"""Serves notes over HTTP."""
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse
import json

from . import accounts, store


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlparse(self.path)
        query = parse_qs(url.query)
        if url.path == "/notes":
            owner = query.get("owner", [""])[0]
            self.answer(store.find_by_owner(owner))
        elif url.path == "/search":
            text = query.get("q", [""])[0]
            self.answer(store.search(text))
        elif url.path == "/count":
            self.answer(store.count(query.get("owner", [""])[0]))
        else:
            self.send_error(404)

    def do_POST(self):
        length = int(self.headers.get("content-length", "0"))
        fields = json.loads(self.rfile.read(length))
        if self.path == "/login":
            self.answer({"ok": accounts.check(fields["name"], fields["password"])})
        else:
            store.add(fields["owner"], fields["text"])
            self.answer({"ok": True})

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    store.prepare()
    ThreadingHTTPServer(("127.0.0.1", 8000), Handler).serve_forever()
