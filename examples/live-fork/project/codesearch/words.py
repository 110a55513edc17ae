"""How text becomes words."""

import re

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def words(text):
    """The words of a text or of source code, names taken apart: readLine and read_line are both read and line."""
    return [word.lower() for word in _WORD.findall(text) if len(word) > 1]
