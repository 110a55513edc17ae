"""Python: a taint analysis of the syntax tree, function by function, and rules for single calls."""

import ast

from .findings import Finding
from .python_rules import call_name, check_call
from .python_taint import Scope
from .secrets import looks_secret


def analyse(path, text):
    """Findings in one file; a file that is not Python gives none."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return []
    return Analysis(str(path)).run(tree)


class Analysis:
    def __init__(self, path):
        self.path = path
        self.findings = []

    def run(self, tree):
        self.block(tree.body, Scope("<module>"))
        return self.findings

    def report(self, line, cwe, evidence):
        self.findings.append(Finding(self.path, line, cwe, evidence))

    def block(self, statements, scope):
        for statement in statements:
            self.statement(statement, scope)

    def statement(self, statement, scope):
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self.block(statement.body, Scope.of_function(statement))
            return
        if isinstance(statement, ast.ClassDef):
            self.block(statement.body, scope)
            return
        for expression in own_expressions(statement):
            self.expression(expression, scope)
        scope.learn(statement)
        if isinstance(statement, ast.Assign):
            self.secret(statement)
        for name in ("body", "orelse", "finalbody"):
            self.block(getattr(statement, name, []), scope)
        for handler in getattr(statement, "handlers", []):
            self.block(handler.body, scope)

    def expression(self, expression, scope):
        for node in ast.walk(expression):
            if isinstance(node, ast.Call):
                for cwe, evidence in check_call(node, call_name(node), scope):
                    self.report(node.lineno, cwe, evidence)

    def secret(self, statement):
        value = statement.value
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            for target in statement.targets:
                if isinstance(target, ast.Name) and looks_secret(target.id, value.value):
                    self.report(statement.lineno, "CWE-798", f"{target.id} holds a literal of {len(value.value)} characters")


def own_expressions(statement):
    """Expressions of a statement itself, not of the statements inside it."""
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.expr):
            yield child
        elif isinstance(child, ast.withitem):
            yield child.context_expr
