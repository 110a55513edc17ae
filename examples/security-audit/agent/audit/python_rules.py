"""Calls of Python that are dangerous: with foreign values, or always."""

import ast
import re

from .python_taint import dotted

SQL_METHODS = {"execute", "executemany", "executescript"}
SHELL_CALLS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}
SUBPROCESS_CALLS = {f"subprocess.{name}" for name in ("run", "call", "check_call", "check_output", "Popen")}
UNPICKLERS = {"pickle.loads", "pickle.load", "marshal.loads", "marshal.load", "dill.loads", "shelve.open"}
REQUEST_CALLS = {"urllib.request.urlopen", "urlopen", *(f"requests.{verb}" for verb in ("get", "post", "put", "head", "request"))}
WEAK_HASHES = {"hashlib.md5", "hashlib.sha1"}
SECRET_USE = re.compile(r"token|password|secret|session|nonce|key", re.IGNORECASE)


def call_name(call):
    return dotted(call.func)


def check_call(call, name, scope):
    """Yields (CWE, evidence) for each thing that is wrong with one call."""
    first = call.args[0] if call.args else None
    origin = scope.origin(first) if first is not None else None
    if origin is not None:
        if name.rsplit(".", 1)[-1] in SQL_METHODS and not isinstance(first, ast.Constant):
            yield "CWE-89", f"{origin.text} becomes part of the statement of {name}()"
        if name in SHELL_CALLS or (name in SUBPROCESS_CALLS and is_true(keyword(call, "shell"))):
            yield "CWE-78", f"{origin.text} becomes part of the command line of {name}()"
        if name in ("eval", "exec"):
            yield "CWE-95", f"{origin.text} is run by {name}()"
        if name in REQUEST_CALLS:
            yield "CWE-918", f"{origin.text} chooses the address of {name}()"
        if name == "open" and origin.remote:
            yield "CWE-22", f"{origin.text} chooses the file of open()"
    yield from check_always(call, name, scope)


def check_always(call, name, scope):
    if name in UNPICKLERS:
        yield "CWE-502", f"{name}() builds any object its input asks for"
    if name == "yaml.load" and "Safe" not in dotted(keyword(call, "Loader") or (call.args[1] if len(call.args) > 1 else None)):
        yield "CWE-502", "yaml.load() without a safe loader builds any object"
    if name in WEAK_HASHES and not is_false(keyword(call, "usedforsecurity")):
        yield "CWE-328", f"{name}() is broken"
    if name.startswith("random.") and name != "random.SystemRandom" and SECRET_USE.search(scope.name):
        yield "CWE-338", f"{name}() is predictable, and {scope.name}() makes a secret"
    if name == "tempfile.mktemp":
        yield "CWE-377", "another process can make the file before this one does"
    if name == "os.chmod" and len(call.args) > 1 and world_writable(call.args[1]):
        yield "CWE-732", "everybody may write the file"
    if name in ("ssl._create_unverified_context", "ssl.CERT_NONE") or is_false(keyword(call, "verify")):
        yield "CWE-295", f"{name}() accepts any certificate"
    if any(is_any_address(argument) for argument in call.args):
        yield "CWE-668", f"{name}() listens on 0.0.0.0"


def keyword(call, name):
    return next((given.value for given in call.keywords if given.arg == name), None)


def is_true(node):
    return isinstance(node, ast.Constant) and node.value is True


def is_false(node):
    return isinstance(node, ast.Constant) and node.value is False


def world_writable(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, int) and bool(node.value & 0o002)


def is_any_address(node):
    return isinstance(node, ast.Tuple) and bool(node.elts) and isinstance(node.elts[0], ast.Constant) and node.elts[0].value in ("0.0.0.0", "::")
