"""What a model of text takes of pictures, whose tokens have no row in its table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pictures:
    """A token of a picture, whose id is negative, has a vector of its own in the place of its embedding. whole: the tokens of a picture, at
    most so many, see each other, and so come in one call; 0: they see those before them, as all tokens do."""

    whole: int = 0

    def columns(self, hidden: int) -> int:
        """Numbers of a token's vector, in a model of so many features."""
        return hidden
