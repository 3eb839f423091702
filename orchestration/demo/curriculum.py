"""The demo's curriculum: concepts by domain, from the easy to the hard, and what must be known before what.

A curriculum does not grow with its learners: it is the same at every scale.
"""

from collections.abc import Iterator
from dataclasses import dataclass

DOMAINS: dict[str, tuple[str, ...]] = {
    "Arithmetic": (
        "Counting", "Addition", "Subtraction", "Multiplication", "Division", "Fractions", "Decimals", "Percentages",
        "Ratios", "Powers", "Roots", "Prime Numbers",
    ),
    "Algebra": (
        "Variables", "Linear Equations", "Inequalities", "Systems of Equations", "Polynomials", "Factoring",
        "Quadratic Equations", "Functions", "Exponential Functions", "Logarithms", "Sequences", "Complex Numbers",
    ),
    "Calculus": (
        "Limits", "Continuity", "Derivatives", "Product Rule", "Chain Rule", "Optimization", "Integrals",
        "Substitution", "Integration by Parts", "Taylor Series", "Differential Equations", "Multivariable Calculus",
    ),
    "Statistics": (
        "Mean and Median", "Variance", "Probability", "Conditional Probability", "Bayes' Theorem", "Distributions",
        "Normal Distribution", "Sampling", "Confidence Intervals", "Hypothesis Tests", "Regression", "Causality",
    ),
    "Computer Science": (
        "Algorithms", "Arrays", "Recursion", "Sorting", "Binary Search", "Linked Lists", "Hash Tables", "Trees",
        "Graphs", "Dynamic Programming", "Complexity", "Concurrency",
    ),
    "Physics": (
        "Units", "Motion", "Forces", "Energy", "Momentum", "Rotation", "Waves", "Heat", "Electric Fields", "Circuits",
        "Magnetism", "Relativity",
    ),
}  # fmt: skip

_ACROSS = (
    ("Percentages", "Variables"), ("Roots", "Quadratic Equations"), ("Functions", "Limits"),
    ("Sequences", "Taylor Series"), ("Percentages", "Probability"), ("Integrals", "Distributions"),
    ("Logarithms", "Complexity"), ("Derivatives", "Motion"), ("Quadratic Equations", "Energy"),
    ("Multivariable Calculus", "Electric Fields"), ("Ratios", "Units"), ("Probability", "Hash Tables"),
)  # fmt: skip


@dataclass(frozen=True)
class Concept:
    """A concept: its name, its domain and how hard it is, from 1 to 5."""

    name: str
    domain: str
    difficulty: int


CONCEPTS: tuple[Concept, ...] = tuple(
    Concept(name, domain, 1 + place * 5 // len(names))
    for domain, names in DOMAINS.items()
    for place, name in enumerate(names)
)


def prerequisites() -> Iterator[tuple[int, int]]:
    """Give the pairs (concept, prerequisite) by number; they make no cycle."""
    number = {concept.name: place for place, concept in enumerate(CONCEPTS)}
    for names in DOMAINS.values():
        for place in range(1, len(names)):
            yield number[names[place]], number[names[place - 1]]
            if place % 4 == 3:
                yield number[names[place]], number[names[place - 3]]
    yield from ((number[after], number[before]) for before, after in _ACROSS)
