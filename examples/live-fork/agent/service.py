"""The search service that the agent keeps warm: started, asked, and reloaded."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request

import places

PORT = 7171
START_SECONDS = 600


def start():
    """Starts it, and waits until its index is built. Gives its process id."""
    log = open(places.WORK / "service.log", "ab")
    command = [sys.executable, "-m", "codesearch.server", "--port", str(PORT), "--before", str(places.BEFORE), *places.LIBRARY]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    for _ in range(START_SECONDS * 10):
        if process.poll() is not None:
            raise RuntimeError(f"the service ended with {process.returncode}: {(places.WORK / 'service.log').read_text()[-500:]}")
        try:
            about()
            return process.pid
        except urllib.error.URLError:
            time.sleep(0.1)
    raise RuntimeError(f"the service did not answer within {START_SECONDS} s")


def about():
    return _ask("GET", "/")


def reload():
    """Lets it take the engine on the disk."""
    return _ask("POST", "/reload", {})


def search(engine, queries):
    return _ask("POST", "/search", {"engine": engine, "queries": queries})["answers"]


def race(queries):
    return _ask("POST", "/race", {"queries": queries})


def _ask(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", data=data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise RuntimeError(json.load(error)["error"]) from None
