"""Quantized matrix products."""
