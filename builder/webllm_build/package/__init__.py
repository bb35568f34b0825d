"""Weights, library, runtime and templates → a model folder, a static site, an npm package."""
