"""What the tools print, as findings. Only messages that name a real weakness are taken over; matters of style are not."""

import json
import xml.etree.ElementTree as ElementTree

from .findings import Finding

BANDIT = {
    "B102": "CWE-95", "B103": "CWE-732", "B104": "CWE-668", "B105": "CWE-798", "B301": "CWE-502", "B302": "CWE-502", "B303": "CWE-328",
    "B306": "CWE-377", "B307": "CWE-95", "B323": "CWE-295", "B324": "CWE-328", "B501": "CWE-295", "B506": "CWE-502", "B602": "CWE-78",
    "B605": "CWE-78", "B608": "CWE-89",
}
SHELLCHECK = {2115: "CWE-88"}
CPPCHECK = {"bufferAccessOutOfBounds": "CWE-120", "invalidscanf": "CWE-120", "useafterfree": "CWE-416", "deallocuse": "CWE-416"}
GCC = {"-Wformat-security": "CWE-134", "-Wstringop-overflow": "CWE-120", "-Wuse-after-free": "CWE-416", "-Wanalyzer-use-after-free": "CWE-416"}


def bandit(output, _complaint):
    """Bandit reports a statement by its first line; `line_number` is the call's own."""
    for result in json.loads(output)["results"]:
        cwe = BANDIT.get(result["test_id"])
        if cwe and result["issue_confidence"] != "LOW":
            yield finding(result["filename"], result["line_number"], cwe, result["issue_text"], "bandit")


def shellcheck(output, _complaint):
    for comment in json.loads(output):
        cwe = SHELLCHECK.get(comment["code"])
        if cwe:
            yield finding(comment["file"], comment["line"], cwe, comment["message"], "shellcheck")


def cppcheck(_output, complaint):
    for error in ElementTree.fromstring(complaint).iter("error"):
        cwe = CPPCHECK.get(error.get("id"))
        place = error.find("location")
        if cwe and place is not None:
            yield finding(place.get("file"), int(place.get("line")), cwe, error.get("msg"), "cppcheck")


def gcc(_output, complaint):
    for line in complaint.split("\n"):
        for diagnostic in json.loads(line) if line.startswith("[") else []:
            cwe = GCC.get(diagnostic.get("option"))
            if cwe and diagnostic["locations"]:
                place = diagnostic["locations"][0]["caret"]
                yield finding(place["file"], place["line"], cwe, diagnostic["message"], "gcc")


def finding(file, line, cwe, text, tool):
    return Finding(file.removeprefix("./"), line, cwe, text, [tool])
