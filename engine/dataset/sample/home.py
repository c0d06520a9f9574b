"""Drawn things for the home: mugs, lamps and chairs."""

from __future__ import annotations

import numpy as np

from engine.dataset.sample.paint import Path, Point, ellipse, flip, mirror, ramp, rounded, smooth, stroke
from engine.dataset.sample.prints import around
from engine.dataset.sample.studio import Studio, darker, lighter

OAK = (186, 140, 92)
WALNUT = (112, 76, 52)
INK = (44, 46, 50)


def mug(s: Studio) -> None:
    """A cup from slightly above: straight, round, tapered or camp."""
    kind, brush, c = s.look.kind, s.brush("mug"), s.canvas
    top, foot = {"straight": (25.0, 24.0), "round": (24.0, 17.0), "tapered": (28.0, 18.0), "camp": (27.0, 26.0)}[kind]
    belly = {"straight": 25.0, "round": 30.0, "tapered": 24.5, "camp": 26.4}[kind]
    rise, low, rim = (30.0 if kind != "camp" else 36.0), 82.0, 6.4
    middle = 44.0
    right = middle + belly
    loop = smooth(
        [(right - 5, 43), (right + 7, 39), (right + 17, 45), (right + 18, 56), (right + 11, 66), (right - 4, 72)],
        closed=False,
    )
    s.solid("handle", s.mask(*stroke(loop, 5.4)), s.look.colour, round_=1.6, relief=0.9)
    height = low - rise
    bulge = belly - (top + foot) / 2
    steps = [step / 12 for step in range(13)]
    widths = [top + (foot - top) * t + bulge * 4 * t * (1 - t) for t in steps]
    left: Path = [(middle - width, rise + height * t) for width, t in zip(widths, steps, strict=True)]
    body: Path = [*left, *ellipse(middle, low, foot, 4.4, 180, 0, 16), *reversed(flip(left, middle))]
    mask = s.mask(body)
    c.lay(mask, s.look.colour)
    s.printed("body", mask, around(middle - belly, middle + belly, 6.0), round_=1.6, relief=0.12)
    brush.cylinder(mask, middle - belly, middle + belly, 0.9 if s.look.material in {"ceramic", "enamel"} else 0.4)
    if kind == "camp" or s.pick("band", 0, 0, 1):
        foot_band = ellipse(middle, low - 3.2, foot + 0.6, 4.6, 180, 0, 16)
        c.lay(s.mask(*stroke(foot_band, 2.4)).within(mask), s.look.accent, 0.9, solid=False)
    s.logo((middle, 58.5), s.pick("logo size", 15, 17))
    _rim(s, middle, rise, top, rim)


def _rim(s: Studio, middle: float, rise: float, top: float, rim: float) -> None:
    edge = s.look.accent if s.look.kind == "camp" else lighter(s.look.colour, 0.2)
    s.solid("rim", s.mask(ellipse(middle, rise, top, rim)), edge, "ceramic", 0.8, 0.2)
    hollow = s.mask(ellipse(middle, rise + 0.4, top - 1.7, rim - 1.2))
    s.solid(
        "hollow", hollow, (236, 232, 222) if s.look.kind != "camp" else lighter(s.look.colour, 0.3), "ceramic", 2, 0.1
    )
    s.brush("hollow").cylinder(hollow, middle + top, middle - top, 0.0, 0.6)
    drink = s.pick("drink", 0, 1, 2)
    if drink:
        tea = s.mask(ellipse(middle, rise + 3.4, top - 4, rim - 2.6)).within(hollow)
        s.canvas.lay(tea, (92, 58, 38) if drink == 1 else (170, 98, 42), solid=False)
        s.canvas.lay(
            s.mask(ellipse(middle - 6, rise + 3.4, top * 0.3, 1.0)).within(tea), (255, 250, 240), 0.22, solid=False
        )


def lamp(s: Studio) -> None:
    """A table lamp: bottle, column, tripod or mushroom base under a printed shade."""
    kind = s.look.kind
    base = s.look.accent
    metal = (194, 146, 66)
    if kind == "tripod":
        for foot in (28.0, 72.0, 50.0):
            leg = stroke([(50, 50), (foot, 91 if foot != 50.0 else 88)], 2.8)
            s.solid(f"leg {foot}", s.mask(*leg), OAK if s.pick("wood", 0, 1) else WALNUT, "wood", 0.7, 0.8)
        s.solid("knob", s.mask(ellipse(50, 52, 4, 3)), metal, "brass", 1, 0.8)
    elif kind == "column":
        stem = s.mask([(48, 44), (52, 44), (52, 86), (48, 86)])
        s.solid("stem", stem, metal, "brass", 0.7)
        s.brush("stem").cylinder(stem, 48, 52, 0.8)
        _turned_base(
            s, "plate", smooth(mirror([(50, 83), (44, 83.6), (32, 87), (31, 90.6), (36, 92.4), (50, 93)])), base, 31, 69
        )
    elif kind == "bottle":
        half: list[Point] = [
            (50, 47),
            (50, 47),
            (46.6, 47),
            (46.2, 54),
            (40, 61),
            (33, 70),
            (32.4, 80),
            (37, 90),
            (42, 92.4),
            (50, 93),
        ]
        _turned_base(s, "bottle", smooth(mirror(half)), base, 32, 68)
    else:
        half = [(50, 46), (50, 46), (45.6, 46), (44.6, 56), (41, 72), (33, 84), (30, 90), (34, 92.6), (50, 93.4)]
        _turned_base(s, "foot", smooth(mirror(half)), base, 30, 70)
    s.solid("socket", s.mask([(47.4, 44), (52.6, 44), (52.6, 50), (47.4, 50)]), metal, "brass", 0.6, 0.8)
    _shade(s)


def _turned_base(s: Studio, part: str, path: Path, colour: tuple[int, int, int], left: float, right: float) -> None:
    mask = s.mask(path)
    s.solid(part, mask, colour, "ceramic", 1.2, 0.2)
    s.brush(part).cylinder(mask, left, right, 0.9)


def _shade(s: Studio) -> None:
    c = s.canvas
    shape = int(s.pick("shade", 0, 1, 2))
    top, low = (25.0, 31.0) if shape == 0 else (16.0, 34.0) if shape == 1 else (28.0, 28.0)
    half: list[Point] = [
        (50, 10),
        (50, 10),
        (50 - top, 12),
        (50 - top, 12),
        (50 - low, 48),
        (50 - low, 48),
        (50 - low * 0.6, 50.8),
        (50, 51.6),
    ]
    if s.look.kind == "mushroom":
        half = [(50, 11), (40, 12), (27, 20), (17, 34), (14.4, 46), (14.4, 46), (30, 50), (50, 51)]
        low = 35.6
    mask = s.mask(smooth(mirror(half)))
    s.printed("shade", mask, around(50 - low, 50 + low, 2.5), round_=1.0, relief=0.1)
    brush = s.brush("shade light")
    brush.cylinder(mask, 50 - low, 50 + low, 0.12, 0.42)
    if s.pick("lit", 0, 1, 1):
        x, y = c.units(mask)
        across, down = (x - 50) * np.float32(1 / low), (y - 40) * np.float32(1 / 26)
        glow = ramp(across * across + down * down, 1.0, 0.0)
        c.lay(mask.times(glow), (255, 226, 160), 0.42, solid=False)
        c.tone(mask, 1 + np.float32(0.18) * glow)
    for line in (
        [(50 - top, 12.6), (50, 10.9), (50 + top, 12.6)],
        [(50 - low, 47.4), (50 - low * 0.6, 50.2), (50, 51), (50 + low * 0.6, 50.2), (50 + low, 47.4)],
    ):
        if s.look.kind != "mushroom" or line[0][1] > 20:
            c.lay(
                s.mask(*stroke(smooth(line, closed=False), 1.1)).within(mask),
                darker(s.look.accent, 0.9),
                0.9,
                solid=False,
            )
    s.logo((50, 31), s.pick("logo size", 13, 15))


def chair(s: Studio) -> None:
    """A seat from the front: armchair, wing chair, shell or dining chair."""
    {"armchair": _armchair, "wing": _wing, "shell": _shell, "dining": _dining}[s.look.kind](s)


def _legs(s: Studio, spread: float, top: float, low: float = 93.0) -> None:
    wood = OAK if s.pick("wood", 0, 1) else WALNUT
    for side, back in ((-0.62, True), (0.62, True), (-1.0, False), (1.0, False)):
        x, lean = 50 + side * spread, 3.2 if side > 0 else -3.2
        end = low - 5 if back else low
        leg: Path = [(x - 2, top), (x + 2, top), (x + lean + 1.1, end), (x + lean - 1.1, end)]
        s.solid(f"leg {side}", s.mask(leg), darker(wood, 0.66) if back else wood, "wood", 0.8, 0.7)


def _armchair(s: Studio) -> None:
    _legs(s, 28, 78)
    back = smooth(mirror([(50, 14), (36, 14.4), (26, 18), (23, 28), (23, 60), (23, 66), (50, 67)]))
    s.printed("back", s.mask(back), round_=5.5, relief=0.6)
    if s.pick("tufts", 0, 1):
        _tufts(s, [(38, 30), (50, 30), (62, 30), (44, 41), (56, 41)])
    seat = smooth(mirror([(50, 54), (36, 54.4), (26, 56), (25, 64), (27, 69), (50, 70.4)]))
    s.shadow(0.62, [(x, y - 1.8) for x, y in seat])
    s.printed("seat", s.mask(seat), round_=3.6, relief=0.7)
    front = smooth(mirror([(50, 68), (28, 68), (26, 69), (26, 69), (26, 80), (26, 80), (50, 81.4)]))
    s.shadow(0.7, [(x, y - 1.2) for x, y in front])
    s.solid("front", s.mask(front), darker(s.look.colour, 0.86), round_=2, relief=0.5)
    for part in ("arm l", "arm r"):
        arm = smooth(
            [(13, 49), (19, 45), (27, 47.4), (29.4, 53), (28.6, 80), (28.6, 80), (14.4, 80.4), (14.4, 80.4), (12, 62)]
        )
        path = arm if part == "arm l" else flip(arm)
        s.shadow(0.66, [(x + (1.6 if part == "arm l" else -1.2), y + 0.6) for x, y in path])
        s.solid(part, s.mask(path), s.look.accent, round_=3.4, relief=0.75)
    s.logo((50, 36), s.pick("logo size", 12.5, 14))


def _wing(s: Studio) -> None:
    _legs(s, 25, 80)
    wings = smooth(mirror([(50, 9), (34, 9), (22, 12), (18.6, 24), (19.4, 40), (17, 52), (18, 66), (50, 68)]))
    s.solid("wings", s.mask(wings), s.look.accent, round_=5, relief=0.7)
    back = smooth(mirror([(50, 13), (38, 13.6), (29.6, 17), (28, 28), (28.6, 60), (50, 62)]))
    s.shadow(
        0.72, [(x, y) for x, y in smooth(mirror([(50, 11.6), (37, 12.2), (28, 16), (26.6, 28), (27, 60), (50, 62)]))]
    )
    s.printed("back", s.mask(back), round_=4.6, relief=0.6)
    _tufts(s, [(40, 26), (50, 26), (60, 26), (40, 46), (60, 46)])
    seat = smooth(mirror([(50, 57), (36, 57.4), (28, 59), (27, 66), (28, 71), (50, 72.4)]))
    s.shadow(0.62, [(x, y - 1.8) for x, y in seat])
    s.printed("seat", s.mask(seat), round_=3.4, relief=0.7)
    s.solid("front", s.mask(rounded(27, 70.4, 73, 83, 2)), darker(s.look.accent, 0.88), round_=2, relief=0.5)
    for part in ("arm l", "arm r"):
        arm = smooth([(17, 55), (23, 51.6), (29, 54), (30.6, 60), (30, 83), (30, 83), (19, 83), (19, 83), (16.6, 66)])
        path = arm if part == "arm l" else flip(arm)
        s.shadow(0.68, [(x + (1.4 if part == "arm l" else -1.0), y + 0.6) for x, y in path])
        s.solid(part, s.mask(path), s.look.accent, round_=3, relief=0.75)
    s.logo((50, 36), s.pick("logo size", 12, 13.5))


def _shell(s: Studio) -> None:
    _legs(s, 20, 68)
    shell = smooth(mirror([(50, 12), (38, 13), (28, 20), (24, 34), (24, 50), (19, 58), (20, 66), (30, 72), (50, 74)]))
    s.solid("shell", s.mask(shell), s.look.accent, "rubber", 4.2, 0.6)
    pad = smooth(mirror([(50, 17), (40, 18), (32.6, 24), (29.4, 36), (30, 50), (33, 54), (50, 56)]))
    s.shadow(0.8, [(x, y + 0.8) for x, y in pad])
    s.printed("pad", s.mask(pad), round_=3.8, relief=0.5)
    seat = smooth(mirror([(50, 54), (36, 54.6), (27.4, 58), (27, 63), (34, 67.6), (50, 69)]))
    s.shadow(0.66, [(x, y - 1.4) for x, y in seat])
    s.printed("seat", s.mask(seat), round_=3.0, relief=0.65)
    s.logo((50, 35), s.pick("logo size", 12.5, 14))


def _dining(s: Studio) -> None:
    wood = OAK if s.pick("wood", 0, 1) else WALNUT
    _legs(s, 23, 66)
    for part, x in (("post l", 27.0), ("post r", 73.0)):
        s.solid(part, s.mask(rounded(x - 2.2, 9, x + 2.2, 64, 2)), wood, "wood", 0.9, 0.7)
    for part, y in (("rail", 11.0), ("rail low", 50.0)):
        s.solid(part, s.mask(rounded(27, y, 73, y + 5.6, 2)), wood, "wood", 0.9, 0.7)
    pad = rounded(29, 14.6, 71, 49, 5)
    s.printed("pad", s.mask(pad), round_=3.8, relief=0.6)
    seat = smooth(mirror([(50, 56), (34, 56.4), (25, 58.6), (22, 66), (26, 70.4), (50, 71.4)]))
    s.shadow(0.66, [(x, y - 1.4) for x, y in seat])
    s.printed("seat", s.mask(seat), round_=3.2, relief=0.7)
    s.solid("apron", s.mask(rounded(25.4, 70, 74.6, 74.6, 1.4)), darker(wood, 0.85), "wood", 0.8, 0.5)
    s.logo((50, 32), s.pick("logo size", 12.5, 14))


def _tufts(s: Studio, places: list[Point]) -> None:
    for x, y in places:
        s.shadow(0.82, ellipse(x, y + 0.4, 2.6, 2.2, steps=20))
        s.shadow(0.62, ellipse(x, y, 1.1, 1.0, steps=14))
