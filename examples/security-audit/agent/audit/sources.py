"""Which files are read, and in which language."""

SUFFIXES = {
    ".py": "python",
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".c": "c",
    ".h": "c",
    ".sh": "shell",
    ".bash": "shell",
}
SKIPPED = {".git", "node_modules", "__pycache__", ".venv", "dist", "build"}
LARGEST_BYTES = 2 * 1024 * 1024


def collect(root):
    """Source files by language. Links, generated directories and huge files are left out."""
    files = {}
    for path in sorted(root.rglob("*")):
        if SKIPPED & set(path.relative_to(root).parts) or path.is_symlink() or not path.is_file():
            continue
        if path.stat().st_size > LARGEST_BYTES:
            continue
        language = SUFFIXES.get(path.suffix) or shebang_language(path)
        if language:
            files.setdefault(language, []).append(path)
    return files


def shebang_language(path):
    """Language of a script without suffix, by its first line."""
    if path.suffix:
        return None
    with path.open("rb") as file:
        first = file.readline(200)
    if not first.startswith(b"#!"):
        return None
    for word, language in ((b"python", "python"), (b"node", "javascript"), (b"sh", "shell")):
        if word in first:
            return language
    return None
