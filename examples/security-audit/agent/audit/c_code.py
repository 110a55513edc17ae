"""C: calls that cannot bound what they write, foreign format strings, and memory that is used after it was freed."""

import re

from .findings import Finding
from .text import blank_comments, call_arguments, split_arguments

CALL = re.compile(r"(?<![\w.>])(strcpy|strcat|gets|sprintf|vsprintf|scanf|fscanf|sscanf|system|popen|printf|fprintf|snprintf|syslog|malloc)\s*\(")
FORMAT_POSITION = {"printf": 0, "fprintf": 1, "snprintf": 2, "syslog": 1}
FREE = re.compile(r"\b\w*free\s*\(\s*(\w+)\s*\)\s*;")
FUNCTION_END = re.compile(r"^\}", re.MULTILINE)


def analyse(path, text):
    """Findings in one file."""
    code = blank_comments(text)
    findings = []

    def report(position, cwe, evidence):
        findings.append(Finding(str(path), code.count("\n", 0, position) + 1, cwe, evidence))

    for match in CALL.finditer(code):
        arguments = split_arguments(call_arguments(code, match.end() - 1))
        for cwe, evidence in check_call(match.group(1), arguments):
            report(match.start(), cwe, evidence)
    for position, cwe, evidence in [*used_after_free(code), *unchecked_allocations(code)]:
        report(position, cwe, evidence)
    return findings


def check_call(name, arguments):
    """Yields (CWE, evidence) of one call."""
    literal = {index: argument.startswith('"') for index, argument in enumerate(arguments)}
    if name in ("strcpy", "strcat") and not literal.get(1):
        yield "CWE-120", f"{name}() writes as much as {arguments[-1]} holds into {arguments[0]}"
    if name == "gets":
        yield "CWE-120", "gets() knows no bound"
    if name in ("sprintf", "vsprintf") and literal.get(1) and re.search(r"%s", arguments[1]):
        yield "CWE-120", f"{name}() writes a text of any length into {arguments[0]}"
    if name in ("scanf", "fscanf", "sscanf"):
        form = arguments[0 if name == "scanf" else 1]
        if re.search(r"%s|%\[", form):
            yield "CWE-120", f"{name}() reads a text without a bound"
    if name in ("system", "popen") and not literal.get(0):
        yield "CWE-78", f"{arguments[0]} is run by a shell"
    position = FORMAT_POSITION.get(name)
    if position is not None and len(arguments) > position and re.match(r"[a-z_]\w*$", arguments[position]):
        yield "CWE-134", f"{name}() takes its format from {arguments[position]}"
    if name == "malloc" and re.search(r"\b\w*(?:size|length|count)\w*\s*[+*]", arguments[0]) and "sizeof" not in arguments[0]:
        yield "CWE-190", f"malloc({arguments[0]}) can wrap around"


def used_after_free(code):
    """Uses of a variable behind its free() in the same function, when it was not set anew and control goes on."""
    for match in FREE.finditer(code):
        name = match.group(1)
        end = FUNCTION_END.search(code, match.end())
        rest = code[match.end() : end.start() if end else len(code)]
        leaves = re.search(r"\breturn\b|\bexit\s*\(|\bbreak\b", rest)
        set_anew = re.search(rf"\b{name}\s*=[^=]", rest)
        use = re.search(rf"\b{name}\s*(?:->|\[)|\*\s*{name}\b", rest)
        if use and not any(other and other.start() < use.start() for other in (leaves, set_anew)):
            yield match.end() + use.start(), "CWE-416", f"{name} was freed in line {code.count(chr(10), 0, match.start()) + 1}"


def unchecked_allocations(code):
    """Results of malloc() that are used without a comparison with NULL."""
    for match in re.finditer(r"([\w>.-]+)\s*=\s*malloc\s*\(", code):
        target = match.group(1)
        end = FUNCTION_END.search(code, match.end())
        rest = code[match.end() : end.start() if end else len(code)]
        if not re.search(rf"(?:!\s*{re.escape(target)}\b|{re.escape(target)}\s*[!=]=\s*NULL|\(\s*{re.escape(target)}\s*\))", rest):
            yield match.start(), "CWE-690", f"{target} may be NULL"
