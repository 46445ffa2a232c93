"""Keras's layer types, found by listing this folder."""
