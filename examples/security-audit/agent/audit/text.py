"""Reading code of languages for which there is no parser in Python's library."""

import re

TOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`", re.DOTALL)
LITERAL = re.compile(r"^\s*(?:'[^'\n]*'|\"[^\"\n]*\"|`[^`$]*`|[\d.]+)\s*$")


def blank_comments(text):
    """The text with comments of C and JavaScript replaced by blanks, so that positions and lines stay."""

    def replace(match):
        token = match.group(0)
        return re.sub(r"[^\n]", " ", token) if token.startswith("/") else token

    return TOKEN.sub(replace, text)


def call_arguments(code, opening):
    """The text between the bracket at `opening` and its partner."""
    depth = 0
    for position in range(opening, len(code)):
        if code[position] in "([{":
            depth += 1
        elif code[position] in ")]}":
            depth -= 1
            if depth == 0:
                return code[opening + 1 : position]
    return code[opening + 1 :]


def split_arguments(arguments):
    """The single arguments of a call."""
    parts, depth, start, quote = [], 0, 0, ""
    for position, character in enumerate(arguments):
        if quote:
            quote = "" if character == quote and arguments[position - 1] != "\\" else quote
        elif character in "'\"":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(arguments[start:position].strip())
            start = position + 1
    parts.append(arguments[start:].strip())
    return parts


def is_literal(argument):
    """Whether an argument is a constant."""
    return LITERAL.match(argument) is not None
