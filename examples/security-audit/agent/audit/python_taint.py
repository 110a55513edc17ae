"""Which values of a function come from outside, and by which way."""

import ast
from dataclasses import dataclass

CLEANERS = {
    "int", "float", "bool", "len", "hash", "shlex.quote", "html.escape", "os.path.basename", "uuid.UUID", "ord", "range",
}
CLEAN_ATTRIBUTES = {"name", "stem", "suffix"}
REMOTE_ATTRIBUTES = {"path", "rfile", "headers", "form", "args", "json", "data", "cookies", "values", "files"}
REMOTE_OBJECTS = {"self", "request", "req"}


@dataclass(frozen=True)
class Origin:
    """Where a value came from; `remote` when somebody over the network chose it."""

    text: str
    remote: bool


class Scope:
    """What is known of the variables of one function."""

    def __init__(self, name):
        self.name = name
        self.tainted = {}

    @classmethod
    def of_function(cls, function):
        scope = cls(function.name)
        arguments = function.args
        for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
            if argument.arg not in ("self", "cls"):
                scope.tainted[argument.arg] = Origin(f"parameter {argument.arg} of {function.name}()", remote=False)
        return scope

    def learn(self, statement):
        """Follows an assignment."""
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                self.assign(target, self.origin(statement.value))
        elif isinstance(statement, (ast.AnnAssign, ast.AugAssign)) and statement.value is not None:
            before = self.origin(statement.target) if isinstance(statement, ast.AugAssign) else None
            self.assign(statement.target, self.origin(statement.value) or before)
        elif isinstance(statement, (ast.For, ast.AsyncFor)):
            self.assign(statement.target, self.origin(statement.iter))
        elif isinstance(statement, (ast.With, ast.AsyncWith)):
            for item in statement.items:
                if item.optional_vars is not None:
                    self.assign(item.optional_vars, None)

    def assign(self, target, origin):
        if isinstance(target, (ast.Tuple, ast.List)):
            for element in target.elts:
                self.assign(element, origin)
        elif isinstance(target, ast.Name):
            if origin is None:
                self.tainted.pop(target.id, None)
            else:
                self.tainted[target.id] = origin

    def origin(self, node):
        """Where the value of an expression comes from; None when it is this program's own."""
        if isinstance(node, ast.Name):
            return self.tainted.get(node.id)
        if isinstance(node, ast.Attribute):
            return self.attribute_origin(node)
        if isinstance(node, ast.Call):
            return self.call_origin(node)
        if isinstance(node, ast.Lambda):
            return None
        return self.first(ast.iter_child_nodes(node))

    def attribute_origin(self, node):
        if isinstance(node.value, ast.Name):
            if node.value.id in REMOTE_OBJECTS and node.attr in REMOTE_ATTRIBUTES:
                return Origin(f"{node.value.id}.{node.attr}", remote=True)
            if node.value.id == "sys" and node.attr == "argv":
                return Origin("sys.argv", remote=False)
        return None if node.attr in CLEAN_ATTRIBUTES else self.origin(node.value)

    def call_origin(self, node):
        name = dotted(node.func)
        if name in CLEANERS:
            return None
        if name == "input":
            return Origin("input()", remote=False)
        return self.first([node.func, *node.args, *(keyword.value for keyword in node.keywords)])

    def first(self, nodes):
        return next((origin for origin in map(self.origin, nodes) if origin is not None), None)


def dotted(node):
    """`a.b.c` of a chain of names, or an empty text."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else node.attr
    return ""
