"""The documents: every function and class of a tree of Python sources."""

import ast
import pathlib
import warnings


def documents(roots):
    """Yields (title, text) of each function and class below the roots, in a fixed order."""
    for root in map(pathlib.Path, roots):
        for path in sorted(root.rglob("*.py")):
            yield from _of_file(path, str(path.relative_to(root)))


def _of_file(path, name):
    try:
        source = path.read_text()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, UnicodeDecodeError, OSError):
        return
    lines = source.splitlines()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield f"{name}:{node.lineno} {node.name}", "\n".join(lines[node.lineno - 1 : node.end_lineno])


def first_sentences(roots, most):
    """What people look for: the first lines of docstrings, spread evenly over the sources."""
    found = []
    for root in map(pathlib.Path, roots):
        for path in sorted(root.rglob("*.py")):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    tree = ast.parse(path.read_text())
            except (SyntaxError, UnicodeDecodeError, OSError):
                continue
            for node in ast.walk(tree):
                if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                    line = (ast.get_docstring(node) or "").split("\n")[0].strip()
                    if 20 <= len(line) <= 120:
                        found.append(line)
    found = sorted(set(found))
    step = max(1, len(found) // most)
    return found[::step][:most]
