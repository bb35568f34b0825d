"""How kernels are written."""
