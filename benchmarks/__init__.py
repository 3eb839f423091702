"""Benchmarks and trials on real data. Not tests: nothing here gates on time."""
