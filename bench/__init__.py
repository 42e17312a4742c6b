"""Benchmarks: extraction beside what else one would use, as ratios of one run. `make bench` prints the table."""
