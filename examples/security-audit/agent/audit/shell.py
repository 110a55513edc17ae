"""Shell scripts: rules for single commands."""

import re

from .findings import Finding
from .secrets import looks_secret

ASSIGNMENT = re.compile(r"^\s*(?:export\s+|readonly\s+|local\s+)?(\w+)=(['\"]?)([^'\"\s]*)\2\s*$")
UNQUOTED = re.compile(r"(?:^|[\s/=])\$\{?\w+")

RULES = (
    (re.compile(r"(?:^|[;&|]\s*|\s)eval\s+.*\$"), "CWE-78", "eval runs what variables hold"),
    (re.compile(r"\b(?:curl|wget)\b.*\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b"), "CWE-494", "what the network sends is run by a shell"),
    (re.compile(r"\bcurl\b.*\s(?:-\w*k\w*|--insecure)\b|\bwget\b.*--no-check-certificate"), "CWE-295", "any certificate is accepted"),
    (re.compile(r"StrictHostKeyChecking[= ]no"), "CWE-295", "any host key is accepted"),
    (re.compile(r"\bchmod\s+(?:-R\s+)?(?:0?[0-7]?[0-7][0-7][2367]|[ao]\+\w*w)\b"), "CWE-732", "everybody may write it"),
    (re.compile(r"^\s*\w+=['\"]?/tmp/[\w.-]+['\"]?\s*$|>\s*/tmp/[\w.-]+"), "CWE-377", "a name in /tmp that everybody can guess"),
)


def analyse(path, text):
    """Findings in one file."""
    findings = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.lstrip().startswith("#"):
            continue
        for pattern, cwe, evidence in RULES:
            if pattern.search(line):
                findings.append(Finding(str(path), number, cwe, evidence))
        if re.search(r"\brm\s+-\w*r", line) and UNQUOTED.search(re.sub(r"\"[^\"]*\"|'[^']*'", "''", line)):
            findings.append(Finding(str(path), number, "CWE-88", "rm -r with an expansion that is not quoted"))
        assigned = ASSIGNMENT.match(line)
        if assigned and looks_secret(assigned.group(1), assigned.group(3)):
            findings.append(Finding(str(path), number, "CWE-798", f"{assigned.group(1)} holds a literal of {len(assigned.group(3))} characters"))
    return findings
