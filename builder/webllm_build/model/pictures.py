"""What a model of text takes of pictures, whose tokens have no row in its table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pictures:
    """A token of a picture, whose id is negative, has a vector of its own in the place of its embedding. whole: the tokens of a picture, at
    most so many, see each other, and so come in one call; 0: they see those before them, as all tokens do. deep: a token's vector has so
    many parts behind the first, which are added behind the first layers. axes: by which of a token's positions (in time, its row, its
    column) each rotary pair turns; none where a token has one position."""

    whole: int = 0
    deep: int = 0
    axes: tuple[int, ...] = ()

    def columns(self, hidden: int) -> int:
        """Numbers of a token's vector, in a model of so many features."""
        return hidden * (1 + self.deep)
