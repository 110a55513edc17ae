"""What the agent does before the fork in the road. Each step tells what it found."""

import json
import random
import shutil
import subprocess
import sys
import time

import places
import service

QUERIES = 400
CHECKED_QUERIES = 20


def prepare(tell):
    """Gets the project installed, tested, indexed and warm. Gives the process id of the service."""
    shutil.rmtree(places.WORK, ignore_errors=True)
    places.WORK.mkdir(parents=True)
    _step(tell, "installed the project", install)
    _step(tell, "its tests are green", unit_tests)
    _step(tell, "wrote down what right answers are, without the engine", expectations)
    shutil.copy(places.PROJECT / "codesearch" / "engine.py", places.BEFORE)
    return wake(tell)


def wake(tell):
    """Starts the service, which reads and indexes the whole library, and warms it up."""
    pid = _step(tell, "started the service: it has read and indexed the library", service.start)
    about = service.about()
    tell(f"{about['documents']:,} functions and classes, {about['words']:,} words, all in memory")
    _step(tell, "warmed it up", lambda: service.race(queries()[-10:]))
    return pid


def install():
    pip = [sys.executable, "-m", "pip", "install", "--user", "--no-index", "--no-build-isolation", "--no-deps", "--quiet"]
    options = ["--break-system-packages", "--no-warn-script-location", "--disable-pip-version-check"]
    _run([*pip, *options, "--editable", str(places.PROJECT)])


def unit_tests():
    _run([sys.executable, "-m", "unittest", "--quiet"], cwd=places.PROJECT)


def expectations():
    from codesearch import corpus

    found = corpus.first_sentences(places.LIBRARY, QUERIES + CHECKED_QUERIES)
    random.Random(2026).shuffle(found)
    checked = places.WORK / "checked.json"
    checked.write_text(json.dumps(found[:CHECKED_QUERIES]))
    places.QUERIES.write_text(json.dumps(found[CHECKED_QUERIES:]))
    _run([sys.executable, "-m", "tests.expected", str(places.EXPECTED), str(checked), *places.LIBRARY], cwd=places.PROJECT)


def queries():
    """What the service is measured with."""
    return json.loads(places.QUERIES.read_text())


def _step(tell, what, work):
    begin = time.monotonic()
    result = work()
    tell(f"{what} ({time.monotonic() - begin:.1f} s)")
    return result


def _run(command, cwd=None):
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:4])} …: {(done.stderr or done.stdout).strip()[-800:]}")
