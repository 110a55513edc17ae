"""Audits the source code of a directory: main.py DIRECTORY RESULT-FILE

Reads Python with a taint analysis of its syntax tree, JavaScript, C and shell with analysers of their own, and asks bandit, shellcheck,
cppcheck and gcc's analyser for a second opinion where they are there or can be installed. Progress goes to standard error.
"""

import json
import sys
import time
from pathlib import Path

from audit import c_code, javascript, python_code, shell, tools
from audit.findings import merge
from audit.sources import collect

ANALYSERS = {
    "python": python_code.analyse,
    "javascript": javascript.analyse,
    "c": c_code.analyse,
    "shell": shell.analyse,
}


def audit(root):
    """Findings of all analysers and tools, and how each tool fared."""
    began = time.monotonic()
    files = collect(root)
    findings = []
    for language, paths in files.items():
        print(f"reading {len(paths)} {language} files", file=sys.stderr, flush=True)
        for path in paths:
            findings += ANALYSERS[language](path.relative_to(root), path.read_text(errors="replace"))
    opinions, used = tools.second_opinions(root, files)
    merged = merge(findings, opinions)
    counts = {severity: sum(1 for found in merged if found.severity == severity) for severity in ("high", "medium", "low")}
    return {
        "summary": f"{len(merged)} findings: {counts['high']} high, {counts['medium']} medium, {counts['low']} low",
        "counts": counts,
        "files": sum(len(paths) for paths in files.values()),
        "lines": sum(path.read_text(errors="replace").count("\n") for paths in files.values() for path in paths),
        "tools": used,
        "seconds": round(time.monotonic() - began, 1),
        "findings": [found.as_dict() for found in merged],
    }


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    root, result = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    report = audit(root)
    for found in report["findings"]:
        print(f"{found['severity']:6} {found['file']}:{found['line']} {found['cwe']} {found['title']}")
    result.write_text(json.dumps(report, indent=2) + "\n")
    print(report["summary"], file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
