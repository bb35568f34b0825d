"""Hand-written TIR kernels, one operator a file. See tir/ops.py for how they are written."""
