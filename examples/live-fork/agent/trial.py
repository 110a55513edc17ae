"""One change, tried and scored."""

import hashlib
import json
import statistics
import subprocess
import sys
import time

import places
import preparation
import service

sys.path.insert(0, str(places.PROJECT))

AS_IT_IS = "as-it-is"
# Queries of one round.
ROUND = 5


def attempt(change, most_queries):
    """Applies a change to the project, lets the running service take it, tests it and measures it against the engine as it was."""
    begin = time.monotonic()
    title = "nothing: the engine as it is on the disk"
    if change != AS_IT_IS:
        patch = places.CHANGES / f"{change}.patch"
        title = patch.read_text().split("\n")[0]
        subprocess.run(["patch", "--strip=1", "--silent", f"--directory={places.PROJECT}", f"--input={patch}"], check=True)
    result = {"change": change, "title": title, "engine": hashlib.sha256(engine_file().read_bytes()).hexdigest()}
    try:
        result["reloadSeconds"] = service.reload()["seconds"]
        result["problem"] = problem()
        result |= speed(preparation.queries()[:most_queries])
    except RuntimeError as error:
        result["problem"] = str(error)
    return result | {"seconds": time.monotonic() - begin}


def engine_file():
    return places.PROJECT / "codesearch" / "engine.py"


def problem():
    """What the tests object to, None when they are green: the project's own, and right answers from the service."""
    try:
        preparation.unit_tests()
    except RuntimeError as error:
        return f"its tests fail: {last_line(str(error))}"
    from tests.reference import problem_with

    expected = json.loads(places.EXPECTED.read_text())
    answers = service.search("now", [one["query"] for one in expected])
    wrong = [
        fault
        for one, answer in zip(expected, answers)
        if (fault := problem_with([tuple(pair) for pair in answer], dict(one["scores"]))) is not None
    ]
    return f"{len(wrong)} of {len(expected)} answers are wrong: {wrong[0]}" if wrong else None


def speed(queries):
    """Queries a second of both engines, measured in turn, query by query; medians of rounds, because machines are busy with other things too."""
    seconds = service.race(queries)
    before, now = (round_sums(seconds[name]) for name in ("before", "now"))
    return {
        "queries": len(queries),
        "before": ROUND / statistics.median(before),
        "now": ROUND / statistics.median(now),
        "factor": statistics.median(one / other for one, other in zip(before, now)),
    }


def round_sums(seconds):
    return [sum(seconds[place : place + ROUND]) for place in range(0, len(seconds) - ROUND + 1, ROUND)]


def last_line(text):
    return text.strip().split("\n")[-1]
