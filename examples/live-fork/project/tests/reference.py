"""BM25 written down a second time, without an index and without haste: what every engine must agree with."""

import collections
import math

from codesearch.words import words


def score_all(query, documents):
    """Score of every document (a list of texts) that has a word of the query, by its number."""
    counts = [collections.Counter(words(text)) for text in documents]
    return score_counted(query, counts)


def score_counted(query, counts):
    """As score_all, for documents that are counted already."""
    lengths = [sum(count.values()) for count in counts]
    average = sum(lengths) / len(lengths)
    scores = {}
    for word in words(query):
        having = [number for number, count in enumerate(counts) if word in count]
        rarity = math.log(1 + (len(counts) - len(having) + 0.5) / (len(having) + 0.5))
        for number in having:
            often = counts[number][word]
            frequency = often * 2.2 / (often + 1.2 * (0.25 + 0.75 * lengths[number] / average))
            scores[number] = scores.get(number, 0.0) + rarity * frequency
    return scores


def problem_with(answer, scores, limit=10):
    """What is wrong with an answer, None when it is right. Documents of equal score may stand in any order."""
    best = sorted(scores.values(), reverse=True)[:limit]
    if len(answer) != len(best):
        return f"{len(answer)} documents instead of {len(best)}"
    if len({number for number, _ in answer}) != len(answer):
        return "a document twice"
    for place, (number, score) in enumerate(answer):
        if number not in scores or abs(scores[number] - score) > 1e-9:
            return f"document {number} has score {scores.get(number)}, not {score}"
        if abs(score - best[place]) > 1e-9:
            return f"place {place + 1} has score {score}, the best left is {best[place]}"
    return None
