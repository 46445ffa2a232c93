"""paramlint: a linter and budget checker for neural-network model specs."""

__version__ = "1.0.0"
