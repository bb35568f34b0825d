"""The largest of many values, and whose it is."""

from __future__ import annotations

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.ops import Expr, let, local, store, when
from webllm_build.compile.kernels.tir.reduce import reduce_all
from webllm_build.compile.target import Variant

THREADS = 256
SLICE = 1024  # tokens that one workgroup looks at where several share the vocabulary
LOWEST = -3.4e38  # no token has this logit or less: such tokens never come


class Largest:
    """The largest value so far and its token, the lowest id among equals: of this invocation, or after reduce() of the workgroup."""

    def __init__(self, variant: Variant, thread: Expr) -> None:
        self._variant, self._thread = variant, thread
        self.value, self._negative_token = local("value", 1), local("negative_token", 1)
        self.clear()

    @property
    def token(self) -> Expr:
        return T.Cast("int32", T.float32(0) - self._negative_token[0])

    def clear(self) -> None:
        store(self.value, T.float32(LOWEST), 0)
        store(self._negative_token, T.float32(0), 0)

    def offer(self, value: Expr, token: Expr) -> None:
        """Ids must come in rising order: the first among equals stays."""
        with when(value > self.value[0]):
            store(self.value, value, 0)
            store(self._negative_token, T.float32(0) - T.Cast("float32", token), 0)

    def reduce(self) -> None:
        """The largest value of the workgroup, and of its tokens the lowest: the largest when negated."""
        own = let("own", self.value[0])
        reduce_all(self._variant, self.value, 1, lane=self._thread, width=THREADS, operator="max")
        with when(own < self.value[0]):
            store(self._negative_token, T.float32(LOWEST), 0)
        reduce_all(self._variant, self._negative_token, 1, lane=self._thread, width=THREADS, operator="max")
