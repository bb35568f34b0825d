"""How keys and values lie in GPU memory."""

from __future__ import annotations

from dataclasses import dataclass

PAGE_SIZE = 16  # tokens in a page
# dtype: elements of a vector, which a kernel loads at once, and the 32-bit words that it takes
VECTORS = {"float32": (4, 4), "float16": (8, 4), "q8": (8, 2)}


@dataclass(frozen=True)
class KvLayout:
    """The cache of one layer: pages of words, uint32[pages, 2, num_kv_heads, block_words].

    A block is one head's keys (0) or values (1) of the PAGE_SIZE tokens of a page, a row of vectors for each token.
    dtype: "float32", "float16", or "q8": signed bytes, and after the rows float32 scales that these are multiplied by: a token's key's and
    value's, which one invocation stores at once; those of the first half of a page's tokens behind its keys, the others' behind its
    values.
    """

    dtype: str
    num_kv_heads: int
    head_dim: int

    @property
    def elements(self) -> int:
        """Elements of a vector."""
        return VECTORS[self.dtype][0]

    @property
    def words(self) -> int:
        """Words of a vector."""
        return VECTORS[self.dtype][1]

    @property
    def columns(self) -> int:
        """Vectors of a row."""
        return self.head_dim // self.elements

    @property
    def scaled(self) -> bool:
        return self.dtype == "q8"

    @property
    def block_words(self) -> int:
        return PAGE_SIZE * (self.columns * self.words + self.scaled)

    @property
    def page_bytes(self) -> int:
        return 2 * self.num_kv_heads * self.block_words * 4
