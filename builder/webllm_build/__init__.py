"""Compile a language model with Apache TVM into a static chat site or an npm package that runs in the browser."""

__version__ = "0.1.0"
