"""Layers with a state in slots."""
