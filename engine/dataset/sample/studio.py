"""What every drawn product shares: its look, its brush, and how a printed part is laid, patterned and lit."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from engine.dataset.sample.materials import Brush
from engine.dataset.sample.paint import Canvas, Colour, Mask, Path, Point
from engine.dataset.sample.prints import Axes, flat, print_logo, print_pattern


@dataclass(frozen=True)
class Look:
    """How one product looks; `pattern` and `logo` are empty when it has none."""

    category: str
    kind: str
    colour: Colour
    accent: Colour
    material: str
    pattern: str = ""
    inks: tuple[Colour, Colour] = ((240, 236, 226), (40, 42, 48))
    logo: str = ""
    badged: bool = False


@dataclass(frozen=True)
class Studio:
    """Draws one product: its look, and brushes whose random numbers do not depend on its pattern or logo."""

    look: Look
    canvas: Canvas
    seed: str

    def brush(self, part: str) -> Brush:
        return Brush(self.canvas, Random(f"{self.seed}:{part}"))

    def mask(self, *paths: Path) -> Mask:
        return self.canvas.mask(*paths)

    def printed(
        self, part: str, mask: Mask, axes: Axes = flat, round_: float = 2.8, relief: float | None = None
    ) -> None:
        """A part in the product's colour and material, with its pattern when it has one."""
        self.canvas.lay(mask, self.look.colour)
        if self.look.pattern:
            print_pattern(self.canvas, mask, self.look.pattern, self.look.inks, f"{self.seed}:pattern", axes)
        self.brush(part).model(mask, self.look.material, round_, relief)

    def solid(
        self,
        part: str,
        mask: Mask,
        colour: Colour,
        material: str = "",
        round_: float = 1.6,
        relief: float | None = None,
    ) -> None:
        """A part in one colour."""
        self.brush(part).part(mask, colour, material or self.look.material, round_, relief)

    def shadow(self, factor: float, *paths: Path) -> None:
        """Darken what is already drawn of the product, never the background."""
        mask = self.mask(*paths)
        self.canvas.tone(mask.times(self.canvas.silhouette[mask.window]), factor)

    def logo(self, centre: Point, size: float, on: Colour | None = None, bare: bool = False) -> None:
        """The product's logo over a part of colour `on`; on a badge when the look says so, unless it must be bare."""
        if not self.look.logo:
            return
        badge = self.look.badged and not bare
        print_logo(self.canvas, self.look.logo, centre, size if badge else size * 1.3, on or self.look.colour, badge)

    def pick(self, part: str, *choices: float) -> float:
        """One of several measures, the same for the same product."""
        return Random(f"{self.seed}:{part}").choice(choices)


def darker(colour: Colour, factor: float = 0.7) -> Colour:
    return (int(colour[0] * factor), int(colour[1] * factor), int(colour[2] * factor))


def lighter(colour: Colour, amount: float = 0.35) -> Colour:
    r, g, b = (int(value + (255 - value) * amount) for value in colour)
    return (r, g, b)
