"""Takes log records from other machines over TCP and keeps them in files."""
import pickle
import socketserver
import yaml

from pathlib import Path

LOGS = Path("logs")


def settings(path="collector.yaml"):
    with open(path) as file:
        return yaml.load(file, Loader=yaml.Loader)


def defaults():
    return yaml.safe_load("port: 9020\nlevel: info\n")


class RecordHandler(socketserver.StreamRequestHandler):
    def handle(self):
        length = int.from_bytes(self.rfile.read(4), "big")
        record = pickle.loads(self.rfile.read(length))
        self.keep(record["host"], record["line"])

    def keep(self, host, line):
        name = Path(str(host)).name
        with open(LOGS / name, "a") as file:
            file.write(line + "\n")


if __name__ == "__main__":
    LOGS.mkdir(exist_ok=True)
    port = settings().get("port", 9020)
    socketserver.ThreadingTCPServer(("0.0.0.0", port), RecordHandler).serve_forever()
