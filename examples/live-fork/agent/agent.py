"""
An agent that speeds a program up: it gets the project ready, then waits at a fork in the road until it is told which way to go.

  agent.py prepare          from nothing to a warm service; goes on waiting in the background
  agent.py wake             the same from a disk that was prepared already
  agent.py choose CHANGE [QUERIES]   tell the waiting agent which way to go; prints what came of it
"""

import json
import os
import sys
import time
import traceback

import places
import preparation
import trial

LOOK_SECONDS = 0.05
QUERIES = 100


def main(verb, *words):
    if verb == "choose":
        print(json.dumps(choose(*words)))
        return
    begun = time.time()
    work = {"prepare": preparation.prepare, "wake": preparation.wake}[verb]
    for old in (places.CHOICE, places.RESULT):
        old.unlink(missing_ok=True)
    service = work(lambda text: print(text, flush=True))
    # All that the agent knows by now is in its memory, and nowhere else.
    memory = {"begun": begun, "ready": time.time(), "service": service}
    print(f"ready after {memory['ready'] - begun:.1f} s; waiting to be told which way to go", flush=True)
    if os.fork() == 0:
        go_on(memory)


def go_on(memory):
    """Leaves the terminal, and waits until somebody chooses."""
    os.setsid()
    with open(os.devnull) as nothing, open(places.WORK / "agent.log", "ab") as log:
        os.dup2(nothing.fileno(), 0)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    while not places.CHOICE.exists():
        time.sleep(LOOK_SECONDS)
    change, queries = places.CHOICE.read_text().split()
    try:
        result = trial.attempt(change, int(queries))
    except Exception:
        result = {"change": change, "problem": trial.last_line(traceback.format_exc())}
    result["agent"] = memory | {"pid": os.getpid()}
    write(places.RESULT, json.dumps(result))


def choose(change, queries=str(QUERIES)):
    """Tells the agent, and waits for its result."""
    write(places.CHOICE, f"{change} {queries}")
    while not places.RESULT.exists():
        time.sleep(LOOK_SECONDS)
    return json.loads(places.RESULT.read_text())


def write(path, text):
    """The file appears whole."""
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    partial.rename(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
