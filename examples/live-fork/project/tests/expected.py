"""Writes down, once, what a right answer is to some queries over the whole library: expected.py OUT QUERIES ROOT…"""

import collections
import json
import sys

from codesearch import corpus
from codesearch.words import words

from .reference import score_counted


def main(out, queries, roots):
    counts = [collections.Counter(words(text)) for _, text in corpus.documents(roots)]
    expected = []
    for query in json.load(open(queries)):
        scores = score_counted(query, counts)
        least = sorted(scores.values(), reverse=True)[:10][-1]
        # Documents of equal score may take the last places in any order: all of them are kept.
        best = [(number, score) for number, score in scores.items() if score >= least - 1e-9]
        expected.append({"query": query, "scores": best})
    with open(out, "w") as file:
        json.dump(expected, file)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
