"""Names and values that look like a secret in source code."""

import re

NAME = re.compile(r"passw(or)?d|passphrase|secret|token|pepper|api_?key|private_?key|credential", re.IGNORECASE)
PLACEHOLDER = re.compile(r"^(change-?me|example|placeholder|xxx+|your[-_ ].*|<.*>|\$.*|)$", re.IGNORECASE)
SHORTEST = 8


def looks_secret(name, value):
    """Whether a constant of this name holds a real secret: long enough, no placeholder, no sentence, with a digit or a mark in it."""
    return (
        NAME.search(name) is not None
        and len(value) >= SHORTEST
        and PLACEHOLDER.match(value) is None
        and not re.search(r"\s|://|/", value)
        and re.search(r"[0-9]", value) is not None
    )
