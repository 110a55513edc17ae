"""The engine that is on the disk, over a small library."""

import unittest

from codesearch.engine import Engine
from codesearch.index import Index

from .reference import problem_with, score_all

TEXTS = [
    "def open_file(path): return open(path)",
    "def close_file(handle): handle.close()",
    "class FileReader: def read_line(self): return self.file.readline()",
    "def line_count(path): return sum(1 for line in open(path))",
    "def nothing(): pass",
] + [f"def number_{name}(path): return {name} * path" for name in ("one", "two", "three", "four", "five", "six", "seven")]

QUERIES = ["open file", "read line", "path", "file file handle", "return the path of number seven", "absent words only", ""]


class EngineTest(unittest.TestCase):
    def setUp(self):
        self.engine = Engine(Index((f"text {number}", text) for number, text in enumerate(TEXTS)))

    def test_agrees_with_the_reference(self):
        for query in QUERIES:
            with self.subTest(query):
                self.assertIsNone(problem_with(self.engine.search(query), score_all(query, TEXTS)))

    def test_says_the_same_twice(self):
        self.assertEqual(self.engine.search("open file"), self.engine.search("open file"))

    def test_keeps_to_the_limit(self):
        self.assertEqual(len(self.engine.search("path return", limit=3)), 3)

    def test_gives_an_answer_away(self):
        answer = self.engine.search("path")
        answer.clear()
        self.assertNotEqual(self.engine.search("path"), [])


if __name__ == "__main__":
    unittest.main()
