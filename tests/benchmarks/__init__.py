"""Benchmarks: every figure is taken beside something else in the same run, and printed, never asserted."""
