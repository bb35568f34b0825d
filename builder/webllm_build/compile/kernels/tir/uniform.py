"""Values that all invocations of a workgroup have alike."""

from __future__ import annotations

from tvm.tirx.script import builder as T

from webllm_build.compile.kernels.tir.ops import Buffer, Expr, extern, let


def uniform_load(word: Buffer) -> Expr:
    """A shared word, the same for all invocations also in the eyes of WGSL's uniformity analysis. Implies barriers."""
    return let("uniform_word", T.call_extern(word.dtype, "workgroupUniformLoad", extern(word.dtype, "&", word[0])))
