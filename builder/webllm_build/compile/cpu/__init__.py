"""The model on a CPU: the operators of model/ops.py as TIR kernels that TVM's LLVM compiles to WebAssembly with SIMD."""
