"""Where things are in the box."""

import os
import pathlib

HOME = pathlib.Path(os.environ.get("LIVE_FORK_HOME", pathlib.Path.home()))
PROJECT = HOME / "project"
CHANGES = HOME / "changes"
WORK = HOME / "work"
BEFORE = WORK / "engine-before.py"
QUERIES = WORK / "queries.json"
EXPECTED = WORK / "expected.json"
NOTES = WORK / "notes.json"
CHOICE = WORK / "choice"
RESULT = WORK / "result.json"

# What is searched: the sources of Python itself and of the packages beside it.
LIBRARY = os.environ.get("LIVE_FORK_LIBRARY", "/usr/lib/python3.11:/usr/lib/python3/dist-packages").split(":")
