"""JSON Schemas of paramlint, shipped as package data."""
