"""The service: one index in memory, and two engines over it: `before` as it was when the service started, `now` as it is on the disk."""

import argparse
import http.server
import importlib.util
import json
import pathlib
import time

from . import corpus
from .index import Index

ENGINE = pathlib.Path(__file__).with_name("engine.py")


def load_engine(path, index):
    """An engine from this very file, whatever was imported before."""
    specification = importlib.util.spec_from_file_location(f"{__package__}.engine_{time.monotonic_ns()}", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.Engine(index)


class Service:
    def __init__(self, roots, before):
        begin = time.monotonic()
        self.index = Index(corpus.documents(roots))
        self.index_seconds = time.monotonic() - begin
        self.engines = {"before": load_engine(before, self.index), "now": load_engine(ENGINE, self.index)}

    def reload(self):
        """Takes the engine that is on the disk now; the index stays."""
        begin = time.monotonic()
        self.engines["now"] = load_engine(ENGINE, self.index)
        return {"seconds": time.monotonic() - begin}

    def search(self, request):
        """Answers several queries."""
        engine = self.engines[request["engine"]]
        return {"answers": [engine.search(query) for query in request["queries"]]}

    def race(self, request):
        """Seconds that each engine needs for each query, the two in turn, so that a busy machine slows down both alike."""
        seconds = {"before": [], "now": []}
        for place, query in enumerate(request["queries"]):
            for name in sorted(seconds, reverse=place % 2 == 1):
                begin = time.perf_counter()
                self.engines[name].search(query)
                seconds[name].append(time.perf_counter() - begin)
        return seconds

    def about(self):
        return {"documents": len(self.index), "words": len(self.index.vocabulary()), "index_seconds": self.index_seconds}


def handler_of(service):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.answer(service.about)

        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            work = {"/reload": lambda: service.reload(), "/search": lambda: service.search(request), "/race": lambda: service.race(request)}
            self.answer(work[self.path])

        def answer(self, work):
            try:
                status, result = 200, work()
            except Exception as error:  # a change under trial may do anything
                status, result = 500, {"error": f"{type(error).__name__}: {error}"}
            text = json.dumps(result).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    return Handler


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--before", required=True, help="engine to compare with")
    options.add_argument("roots", nargs="+")
    chosen = options.parse_args()
    service = Service(chosen.roots, chosen.before)
    http.server.HTTPServer(("127.0.0.1", chosen.port), handler_of(service)).serve_forever()


if __name__ == "__main__":
    main()
