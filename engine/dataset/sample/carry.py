"""Drawn things to carry or wear on the hand and foot: sneakers, backpacks and watches."""

from __future__ import annotations

import math

from engine.dataset.sample.paint import Path, Point, dashes, ellipse, flip, mirror, rounded, smooth, stroke
from engine.dataset.sample.prints import turned
from engine.dataset.sample.studio import Studio, darker, lighter

WHITE = (240, 239, 235)


def sneaker(s: Studio) -> None:
    """One shoe from its outer side, toe to the right: low, high, runner or slip-on."""
    kind, c, brush = s.look.kind, s.canvas, s.brush("sneaker")
    ankle = 28.0 if kind == "high" else 50.0 if kind == "slip-on" else 45.0
    inside = smooth(
        [(12, ankle + 1), (22, ankle - 1.4), (34, ankle - 1.4), (43, ankle + 3), (40, ankle + 8), (20, ankle + 8)]
    )
    s.solid("lining", s.mask(inside), darker(s.look.accent, 0.55), "cotton", 1.4)
    if kind != "slip-on":
        tongue = smooth(
            [
                (37, ankle + 8),
                (37, ankle + 8),
                (34.6, ankle - 3),
                (38.4, ankle - 7),
                (43.6, ankle - 5.4),
                (49, ankle + 6),
                (50, ankle + 10),
                (50, ankle + 10),
            ]
        )
        s.solid("tongue", s.mask(tongue), lighter(s.look.colour, 0.15), "mesh", 1.6)
    upper: list[Point] = [
        (9.4, 75),
        (9.4, 75),
        (8, 68),
        (8.4, 60),
        (7.6, ankle + 6),
        (8.4, ankle - 2),
        (8.4, ankle - 2),
    ]
    upper += [(13, ankle - 0.6), (20, ankle + 4), (29, ankle + 4.6), (38, ankle - 0.6), (38, ankle - 0.6)]
    throat = {"high": (44, 44.5), "slip-on": (47, 53), "low": (47, 51), "runner": (47, 51)}[kind]
    upper += [throat, (57, 56.4), (68, 59), (80, 60.2), (89, 63.4), (95, 69.4), (95.6, 75), (95.6, 75)]
    s.printed("upper", s.mask(smooth(upper)), turned(4), round_=3.4, relief=0.6)
    _overlays(s, kind, ankle)
    _sole(s, kind)
    if kind != "slip-on":
        _laces(s, kind, ankle)
    collar = smooth(
        [(8.8, ankle - 1.4), (13, ankle - 0.4), (20, ankle + 4), (29, ankle + 4.6), (38, ankle - 0.2)], closed=False
    )
    c.lay(s.mask(*stroke(collar, 1.9)), darker(s.look.accent, 0.9), solid=False)
    brush.seam([(x, y + 2) for x, y in collar], 0.35, 0.25)
    s.logo((31, 62.6) if kind != "high" else (25, 49), s.pick("logo size", 11, 12.5))


def _overlays(s: Studio, kind: str, ankle: float) -> None:
    brush = s.brush("overlays")
    heel = smooth(
        [
            (8.8, 76),
            (8.8, 76),
            (7.8, 66),
            (7.4, ankle + 5),
            (8.2, ankle - 2),
            (8.2, ankle - 2),
            (13, ankle - 0.6),
            (14.6, ankle + 6),
            (16, 64),
            (20, 76),
            (20, 76),
        ]
    )
    s.shadow(0.8, [(x + 0.7, y) for x, y in heel])
    s.solid("heel", s.mask(heel), s.look.accent, "leather", 1.4)
    if kind in {"low", "high"}:
        toe = smooth(
            [(77, 76), (77, 76), (76.6, 68), (80, 60.2), (80, 60.2), (89, 63.4), (95, 69.4), (95.8, 76), (95.8, 76)]
        )
        s.shadow(0.8, [(x - 0.7, y) for x, y in toe])
        s.solid("toe", s.mask(toe), WHITE if kind == "high" else s.look.accent, "rubber", 1.8)
    elif kind == "runner":
        guard = smooth([(58, 76), (58, 76), (68, 71), (80, 70), (95, 73.4), (95, 73.4), (95.5, 77), (95.5, 77)])
        s.solid("guard", s.mask(guard), s.look.accent, "suede", 1.2)
        swoop = smooth(
            [
                (22, 74),
                (22, 74),
                (40, 72.6),
                (56, 62),
                (60, 57.6),
                (60, 57.6),
                (63, 58.8),
                (63, 58.8),
                (54, 71),
                (40, 77),
                (24, 77),
            ]
        )
        s.solid("swoop", s.mask(swoop), lighter(s.look.accent, 0.1), "suede", 1.0)
    else:
        gore = [(41, 50.6), (48.6, 53.8), (44, 61.4), (37, 57)]
        s.solid("gore", s.mask(gore), darker(s.look.accent, 0.7), "wool", 0.8)
    brush.seam(smooth([(44, 50), (50, 58), (52, 66), (50, 75)], closed=False), 0.4, 0.25)


def _sole(s: Studio, kind: str) -> None:
    thick = {"low": 8.0, "high": 8.0, "runner": 11.0, "slip-on": 7.0}[kind]
    top, low = 73.0, 73.0 + thick
    lift = 3.0 if kind == "runner" else 0.6
    sole = smooth(
        [
            (7, top - 0.6),
            (7, top - 0.6),
            (30, top + 1.6),
            (60, top + 1.6),
            (84, top + 0.4),
            (96.5, top - 2),
            (96.5, top - 2),
            (97, top + 3),
            (94, low - lift),
            (94, low - lift),
            (74, low),
            (28, low),
            (11, low - lift / 3),
            (11, low - lift / 3),
            (6.4, top + thick * 0.5),
        ]
    )
    mask = s.mask(sole)
    s.shadow(0.72, [(x, y - 1.3) for x, y in sole])
    s.solid("sole", mask, WHITE, "rubber", 1.6, 0.5)
    band = smooth(
        [(7, top + thick * 0.55), (30, top + thick * 0.68), (60, top + thick * 0.68), (96, top + thick * 0.3)],
        closed=False,
    )
    s.canvas.lay(s.mask(*stroke(band, 1.1)).within(mask), darker(s.look.accent, 0.95), 0.9, solid=False)
    tread: Path = [(11, low - lift / 3 - 1.8), (28, low - 1.6), (74, low - 1.6), (94, low - lift - 1.6)]
    tread += [(94, low - lift), (74, low), (28, low), (11, low - lift / 3)]
    s.canvas.lay(s.mask(tread), darker(s.look.accent, 0.6), 0.9, solid=False)


def _laces(s: Studio, kind: str, ankle: float) -> None:
    rows = 6 if kind == "high" else 4
    bottom, top = (57.5, 57.2), (40.6, ankle + 2.6)
    for index in range(rows):
        t = index / (rows - 1)
        x, y = bottom[0] + (top[0] - bottom[0]) * t, bottom[1] + (top[1] - bottom[1]) * t
        if kind == "high":
            x, y = (57 - 16 * t, 57 - 16 * t) if t < 0.6 else (46.4 - (t - 0.6) * 14, 47.0 - (t - 0.6) * 42)
        lace = [(x - 6.0, y + 3.6), (x + 1.6, y - 1.0)]
        s.shadow(0.65, *stroke([(a + 0.4, b + 0.8) for a, b in lace], 1.7))
        s.canvas.lay(s.mask(*stroke(lace, 1.6)), WHITE)
        s.shadow(0.35, ellipse(x - 6.2, y + 3.8, 0.8, 0.8, steps=12))


def backpack(s: Studio) -> None:
    """A backpack from the front: daypack, roll-top or rucksack."""
    kind, brush = s.look.kind, s.brush("pack")
    handle = smooth([(42, 17), (43.4, 8.4), (50, 6.4), (56.6, 8.4), (58, 17)], closed=False)
    s.solid("handle", s.mask(*stroke(handle, 2.6)), darker(s.look.accent, 0.8), "canvas", 0.8)
    for part, path in (("strap l", _strap()), ("strap r", flip(_strap()))):
        s.solid(part, s.mask(path), darker(s.look.accent, 0.65), "canvas", 1.0)
    wide = s.pick("wide", 0.0, 1.5)
    body: list[Point] = [
        (50, 11),
        (38, 12),
        (28 - wide, 18),
        (24 - wide, 30),
        (23 - wide, 60),
        (24 - wide, 84),
        (28, 90),
    ]
    body += [(40, 91.4), (50, 91.6)]
    if kind == "roll-top":
        body = [
            (50, 12),
            (50, 12),
            (30, 12.6),
            (30, 12.6),
            (28.6, 22),
            (24 - wide, 36),
            (23 - wide, 62),
            (24 - wide, 85),
            (29, 90.4),
        ]
        body += [(40, 91.4), (50, 91.6)]
    mask = s.mask(smooth(mirror(body)))
    s.printed("body", mask, round_=5.6, relief=0.6)
    if kind == "rucksack":
        _rucksack(s)
    elif kind == "roll-top":
        _roll_top(s)
    else:
        for level, width in ((27.0, 26.5 + wide), (29.0, 26.0 + wide)):
            brush.seam(
                smooth(
                    [
                        (50 - width, level + 16),
                        (50 - width * 0.86, level),
                        (50, level - 7),
                        (50 + width * 0.86, level),
                        (50 + width, level + 16),
                    ],
                    closed=False,
                ),
                0.5,
                0.4,
            )
        s.canvas.lay(s.mask(rounded(35.6, 22.6, 37.4, 28.6, 0.8)), (200, 202, 206), solid=False)
    _pocket(s, kind)
    if kind != "rucksack":
        s.logo((50, 41.5 if kind == "daypack" else 43.5), s.pick("logo size", 12, 13.5))


def _strap() -> Path:
    return smooth(
        [
            (27, 24),
            (20.5, 36),
            (18.4, 54),
            (20, 74),
            (25, 84),
            (25, 84),
            (27, 80),
            (22.6, 70),
            (21.6, 54),
            (24.6, 38),
            (29, 30),
        ]
    )


def _rucksack(s: Studio) -> None:
    flap = smooth(
        mirror([(50, 9.6), (36, 10.6), (25, 16), (22.4, 27), (22.8, 42), (27, 49), (27, 49), (40, 51.6), (50, 52)])
    )
    s.shadow(0.7, [(x + 0.5, y + 1.8) for x, y in flap])
    s.solid(
        "flap",
        s.mask(flap),
        lighter(s.look.accent, 0.04),
        "leather" if s.look.material == "leather" else "canvas",
        4,
        0.6,
    )
    for x in (36.5, 63.5):
        belt = rounded(x - 2.2, 36, x + 2.2, 66, 1.4)
        s.shadow(0.7, [(a + 0.6, b + 0.9) for a, b in belt])
        s.solid(f"belt {x}", s.mask(belt), (120, 78, 46), "leather", 0.8)
        s.canvas.lay(
            s.mask(*stroke([(x - 3, 53), (x + 3, 53), (x + 3, 58.6), (x - 3, 58.6)], 1.0, closed=True)),
            (206, 176, 116),
            solid=False,
        )
    s.logo((50, 30), s.pick("logo size", 12, 13.5), s.look.accent)


def _roll_top(s: Studio) -> None:
    roll = rounded(27.4, 9, 72.6, 20, 4.4)
    s.shadow(0.7, [(x, y + 2) for x, y in roll])
    s.solid("roll", s.mask(roll), s.look.accent, s.look.material, 1.6, 0.9)
    s.brush("roll").seam([(29, 14.8), (71, 14.8)], 0.6, 0.35)
    for x in (33.0, 67.0):
        s.solid(
            f"web {x}",
            s.mask([(x - 1.5, 9), (x + 1.5, 9), (x + 1.5, 36), (x - 1.5, 36)]),
            darker(s.look.accent, 0.6),
            "canvas",
            0.6,
        )
        buckle = rounded(x - 2.6, 25, x + 2.6, 31, 1.2)
        s.solid(f"buckle {x}", s.mask(buckle), (46, 48, 52), "rubber", 0.8)


def _pocket(s: Studio, kind: str) -> None:
    top = 56.0 if kind != "rucksack" else 62.0
    half = [(50, top), (36, top + 0.4), (31, top + 4), (30, top + 14), (30.6, 84), (34, 88), (50, 88.6)]
    pocket = smooth(mirror([(x, y) for x, y in half]))
    s.shadow(0.72, [(x + 0.4, y + 1.1) for x, y in pocket])
    tint = s.look.accent if kind == "daypack" else darker(s.look.colour, 0.88)
    s.solid("pocket", s.mask(pocket), tint, round_=2.6, relief=0.55)
    brush = s.brush("pocket seams")
    line = smooth([(32.4, top + 8), (38, top + 5), (50, top + 4.4), (62, top + 5), (67.6, top + 8)], closed=False)
    brush.seam(line, 0.9, 0.5)
    s.canvas.lay(s.mask(*dashes(line, 0.5, 0.5)), (196, 198, 202), 0.7, solid=False)
    s.canvas.lay(s.mask(rounded(62.6, top + 5, 64.2, top + 11, 0.7)), (206, 206, 208), solid=False)


def watch(s: Studio) -> None:
    """A wrist watch from above: round or square case, on a printed strap."""
    brush, c = s.brush("watch"), s.canvas
    square = s.look.kind == "square"
    for end in ("upper", "lower"):
        half: list[Point] = [(50, 1), (44, 1), (39.6, 2.5), (39.6, 2.5), (38.4, 16), (36.4, 30), (36.4, 30), (50, 32)]
        path = smooth(mirror(half))
        if end == "lower":
            path = [(x, 100 - y) for x, y in path]
        s.printed(f"strap {end}", s.mask(path), round_=2.2, relief=0.55)
        for side in (-1, 1):
            edge = [(50 + side * 9.4, 3.4), (50 + side * 10.4, 16), (50 + side * 12.2, 28)]
            line = edge if end == "upper" else [(x, 100 - y) for x, y in edge]
            c.lay(s.mask(*dashes(line, 0.5, 0.8)), lighter(s.look.colour, 0.5), 0.7, solid=False)
    for y in (84.0, 89.0, 94.0):
        s.shadow(0.35, ellipse(50, y, 0.9, 1.1, steps=14))
    metal = (204, 206, 210) if s.pick("metal", 0, 1) else (206, 160, 84)
    for x in (35.4, 61.0):
        for y in (23.0, 67.0):
            s.solid(f"lug {x} {y}", s.mask(rounded(x, y, x + 3.6, y + 10, 1.6)), darker(metal, 0.85), "steel", 0.9, 0.8)
    s.solid("crown", s.mask(rounded(76, 46.6, 80, 53.4, 1.2)), darker(metal, 0.9), "steel", 0.8, 0.9)
    rings: list[tuple[str, float, tuple[int, int, int], float]] = [
        ("case", 27.0 - 2.5 * square, metal, 2.0),
        ("bezel", 24.0 - 2 * square, s.look.accent if s.look.kind == "diver" else darker(metal, 0.82), 1.4),
        ("dial", 20.4 - square, _dial(s), 3.0),
    ]
    for part, reach, tint, round_ in rings:
        outline = (
            rounded(50 - reach, 50 - reach, 50 + reach, 50 + reach, reach * 0.34)
            if square
            else ellipse(50, 50, reach, reach)
        )
        s.shadow(0.72, [(x + 0.5, y + 0.9) for x, y in outline])
        s.solid(part, s.mask(outline), tint, "steel" if part != "dial" else "enamel", round_, 0.45)
    _dial_marks(s)
    _hands(s)
    s.logo((50, 60.4), s.pick("logo size", 10, 11), _dial(s), bare=True)
    glare = [(36, 34), (44, 31), (58, 69), (50, 71)]
    c.lay(brush.canvas.mask(glare), (255, 255, 255), 0.05, solid=False)


def _dial(s: Studio) -> tuple[int, int, int]:
    return ((244, 242, 236), (38, 42, 50), (232, 226, 208), (40, 62, 92))[int(s.pick("dial", 0, 1, 2, 3))]


def _dial_marks(s: Studio) -> None:
    pale = sum(_dial(s)) > 400
    ink = (46, 48, 54) if pale else (236, 234, 226)
    for hour in range(60):
        angle = math.radians(6 * hour)
        x, y = round(math.cos(angle), 9), round(math.sin(angle), 9)
        if hour % 5 == 0:
            s.canvas.line([(50 + x * 16, 50 + y * 16), (50 + x * 19, 50 + y * 19)], 1.1, ink)
    ticks = [ellipse(50 + 19 * x, 50 + 19 * y, 0.28, 0.28, steps=6) for x, y in ellipse(0, 0, 1, 1, steps=60)]
    s.canvas.lay(s.mask(*ticks), ink, 0.8, solid=False)


def _hands(s: Studio) -> None:
    ink = (46, 48, 54) if sum(_dial(s)) > 400 else (236, 234, 226)
    for degrees, reach, width in ((-150.0, 10.5, 1.7), (-36.0, 15.5, 1.2)):
        x, y = (round(f(math.radians(degrees)), 9) for f in (math.cos, math.sin))
        hand = [(50 - x * 2, 50 - y * 2), (50 + x * reach, 50 + y * reach)]
        s.shadow(0.78, *stroke([(a + 0.5, b + 0.9) for a, b in hand], width))
        s.canvas.line(hand, width, ink)
    s.canvas.line([(50, 50), (50, 35.5)], 0.45, (196, 60, 48))
    s.canvas.lay(s.mask(ellipse(50, 50, 1.3, 1.3, steps=16)), (196, 60, 48), solid=False)
