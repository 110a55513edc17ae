"""The inverted index, in memory."""

import collections

from .words import words


class Index:
    """For each word the documents that have it, with how often; for each document its title and length."""

    def __init__(self, documents):
        self.titles = []
        self.lengths = []
        self._postings = {}
        for title, text in documents:
            counts = collections.Counter(words(text))
            number = len(self.titles)
            self.titles.append(title)
            self.lengths.append(sum(counts.values()))
            for word, count in counts.items():
                self._postings.setdefault(word, []).append((number, count))
        self.average_length = sum(self.lengths) / len(self.lengths) if self.lengths else 0.0

    def postings(self, word):
        """(document, count) for each document that has the word."""
        return self._postings.get(word, [])

    def vocabulary(self):
        return self._postings.keys()

    def __len__(self):
        return len(self.titles)
