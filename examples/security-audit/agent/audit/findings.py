"""What an audit finds."""

from dataclasses import dataclass, field

WEAKNESSES = {
    "CWE-22": ("path traversal", "high"),
    "CWE-78": ("command injection", "high"),
    "CWE-79": ("cross-site scripting", "high"),
    "CWE-88": ("argument injection by an unquoted expansion", "medium"),
    "CWE-89": ("SQL injection", "high"),
    "CWE-95": ("evaluation of foreign code", "high"),
    "CWE-120": ("buffer overflow", "high"),
    "CWE-134": ("format string from outside", "high"),
    "CWE-190": ("integer overflow in a size", "medium"),
    "CWE-295": ("certificates or host keys are not checked", "medium"),
    "CWE-328": ("weak hash", "medium"),
    "CWE-338": ("predictable random numbers for a secret", "medium"),
    "CWE-377": ("predictable temporary file", "medium"),
    "CWE-416": ("use after free", "high"),
    "CWE-494": ("code is downloaded and run unchecked", "high"),
    "CWE-502": ("unsafe deserialisation", "high"),
    "CWE-668": ("listens on all addresses", "low"),
    "CWE-690": ("allocation is not checked", "low"),
    "CWE-732": ("file that everybody may write", "medium"),
    "CWE-798": ("hard-coded secret", "high"),
    "CWE-918": ("server-side request forgery", "high"),
}

SEVERITIES = ("high", "medium", "low")


@dataclass
class Finding:
    """One defect at one place; `tools` names all that saw it."""

    file: str
    line: int
    cwe: str
    evidence: str
    tools: list = field(default_factory=lambda: ["berth-audit"])

    @property
    def title(self):
        return WEAKNESSES[self.cwe][0]

    @property
    def severity(self):
        return WEAKNESSES[self.cwe][1]

    def as_dict(self):
        return {
            "file": self.file,
            "line": self.line,
            "cwe": self.cwe,
            "severity": self.severity,
            "title": self.title,
            "evidence": self.evidence,
            "tools": self.tools,
        }


def merge(findings, opinions):
    """Joins what several tools say of one place, and orders it by severity."""
    merged = {}
    for found in [*findings, *opinions]:
        known = merged.get((found.file, found.line, found.cwe))
        if known is None:
            merged[(found.file, found.line, found.cwe)] = found
        else:
            known.tools = sorted({*known.tools, *found.tools})
    return sorted(merged.values(), key=lambda found: (SEVERITIES.index(found.severity), found.file, found.line))
