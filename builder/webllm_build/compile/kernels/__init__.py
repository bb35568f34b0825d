"""Hand-written TIR kernels, one operator a file. See tir_ops.py for how they are written."""
