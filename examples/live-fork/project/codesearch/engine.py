"""Answers a query with the documents that fit it best (BM25)."""

import math

from .words import words

K1 = 1.2
B = 0.75


class Engine:
    def __init__(self, index):
        self.index = index

    def search(self, query, limit=10):
        """The best documents as (number, score), best first."""
        scores = {}
        for word in words(query):
            for document, count in self.index.postings(word):
                scores[document] = scores.get(document, 0.0) + self.weight(word, document, count)
        ranked = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
        return ranked[:limit]

    def weight(self, word, document, count):
        """What one word of the query is worth in a document that has it so often."""
        return self.rarity(word) * self.frequency(document, count)

    def rarity(self, word):
        having = len(self.index.postings(word))
        return math.log(1 + (len(self.index) - having + 0.5) / (having + 0.5))

    def frequency(self, document, count):
        length = self.index.lengths[document] / self.index.average_length
        return count * (K1 + 1) / (count + K1 * (1 - B + B * length))
