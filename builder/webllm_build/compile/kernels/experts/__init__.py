"""Mixtures of experts: what is chosen, and matrix products with the chosen ones' weights alone."""
