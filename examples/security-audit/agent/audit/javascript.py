"""JavaScript: comments are blanked, then values from outside are followed from their assignment to where they do harm."""

import re

from .findings import Finding
from .secrets import looks_secret
from .text import blank_comments, call_arguments, is_literal, split_arguments

ASSIGNMENT = re.compile(r"\b(?:const|let|var)\s+(\w+)\s*=\s*([^;\n]+)")
PARAMETERS = re.compile(r"function\s*\w*\s*\(([^)]*)\)|\(([\w\s,]*)\)\s*=>|\b(\w+)\s*=>")
REMOTE = re.compile(r"\b(?:request|req)\.(?:url|body|query|params|headers)|searchParams|location\.(?:hash|search|href)|document\.cookie")
CLEANER = re.compile(r"^\s*(?:await\s+)?(?:path\.basename|encodeURIComponent|Number|parseInt|parseFloat)\s*\(")
SECRET_USE = re.compile(r"token|session|secret|password|nonce", re.IGNORECASE)

# What may not get a value from outside: (CWE, calls, whether parameters of functions count as such).
SINKS = (
    ("CWE-78", re.compile(r"(?<![\w.])(?:exec|execSync)\s*\("), True),
    ("CWE-22", re.compile(r"\b(?:readFile|readFileSync|createReadStream|sendFile|writeFile|writeFileSync|unlink)\s*\("), False),
    ("CWE-918", re.compile(r"\b(?:https?|client|axios|got)\s*\.\s*(?:get|post|request)\s*\(|(?<![\w.])fetch\s*\("), True),
    ("CWE-95", re.compile(r"(?<![\w.])eval\s*\(|\bnew\s+Function\s*\("), True),
)


def analyse(path, text):
    """Findings in one file."""
    code = blank_comments(text)
    remote, parameters = foreign_values(code)
    findings = []

    def report(position, cwe, evidence):
        findings.append(Finding(str(path), code.count("\n", 0, position) + 1, cwe, evidence))

    for cwe, calls, with_parameters in SINKS:
        for call in calls.finditer(code):
            arguments = call_arguments(code, call.end() - 1)
            names = remote | parameters if with_parameters else remote
            culprit = foreign_part(arguments, names)
            code_argument = split_arguments(arguments)[-1 if cwe == "CWE-95" else 0]
            if culprit and not is_literal(code_argument):
                report(call.start(), cwe, f"{culprit} reaches {call.group(0).rstrip('( ')}()")
    for match in re.finditer(r"\.(?:innerHTML|outerHTML)\s*=\s*([^;\n]+)|document\.write\s*\(([^)]*)\)", code):
        culprit = foreign_part(match.group(1) or match.group(2) or "", remote)
        if culprit:
            report(match.start(), "CWE-79", f"{culprit} becomes markup of the page")
    for match in re.finditer(r"NODE_TLS_REJECT_UNAUTHORIZED\s*=\s*['\"]?0|rejectUnauthorized\s*:\s*false", code):
        report(match.start(), "CWE-295", "any certificate is accepted")
    for match in re.finditer(r"Math\.random\s*\(", code):
        line = code[code.rfind("\n", 0, match.start()) + 1 : match.start()]
        if SECRET_USE.search(line):
            report(match.start(), "CWE-338", "Math.random() is predictable, and its value is used as a secret")
    for match in re.finditer(r"createHash\s*\(\s*['\"](md5|sha1)['\"]", code):
        report(match.start(), "CWE-328", f"{match.group(1)} is broken")
    for match in re.finditer(r"\b(\w+)\s*[:=]\s*(['\"])([^'\"\n]+)\2", code):
        if looks_secret(match.group(1), match.group(3)):
            report(match.start(), "CWE-798", f"{match.group(1)} holds a literal of {len(match.group(3))} characters")
    return findings


def foreign_values(code):
    """Names that hold values from the network, and names of parameters. Assignments are followed until nothing new is found."""
    parameters = set()
    for match in PARAMETERS.finditer(code):
        parameters |= set(re.findall(r"\w+", next(group for group in match.groups(default="") if group) if any(match.groups()) else ""))
    remote = set()
    assignments = [(match.group(1), match.group(2)) for match in ASSIGNMENT.finditer(code)]
    grew = True
    while grew:
        grew = False
        for name, value in assignments:
            if name not in remote and not CLEANER.match(value) and foreign_part(value, remote):
                remote.add(name)
                grew = True
    return remote, parameters - {"response", "res", "error", "done", "next"}


def foreign_part(expression, names):
    """The part of an expression that comes from outside, or None. Text in quotes is not code; in template holes it is."""
    code = re.sub(r"'[^'\n]*'|\"[^\"\n]*\"", "''", expression)
    direct = REMOTE.search(code)
    if direct:
        return direct.group(0)
    return next((name for name in re.findall(r"(?<![\w.])[A-Za-z_]\w*", code) if name in names), None)
