"""Drawn things to wear on the body: jackets, caps and sneakers."""

from __future__ import annotations

from engine.dataset.sample.paint import Path, Point, dashes, ellipse, flip, mirror, rounded, smooth, stroke
from engine.dataset.sample.prints import turned
from engine.dataset.sample.studio import Studio, darker, lighter

STEEL = (196, 198, 202)


def jacket(s: Studio) -> None:
    """A jacket seen from the front: bomber, parka, trucker, puffer or blouson."""
    kind = s.look.kind
    long = kind == "parka"
    hem = 90.0 if long else 80.0
    flare = 2.5 if long else 0.0
    if kind in {"parka", "anorak"}:
        hood = s.mask(smooth(mirror([(50, 3.4), (43.5, 5), (38.6, 11), (36.4, 19), (33.4, 23.4), (36, 28), (50, 32)])))
        s.solid("hood", hood, darker(s.look.colour, 0.92), round_=3.1)
        inside = s.mask(smooth(mirror([(50, 8), (45, 9.6), (41.4, 15), (41, 21), (44, 26), (50, 31)])))
        s.solid("lining", inside, darker(s.look.accent, 0.62), "cotton", 2.2)
    else:
        s.solid("lining", s.mask(ellipse(50, 18.5, 8.6, 4.2)), darker(s.look.accent, 0.55), "cotton", 1.2)
    half: list[Point] = [(50, 21.5), (50, 21.5), (45, 20.6), (41.2, 17), (41.2, 17), (34, 20), (27.5, 23.5), (25.5, 28)]
    half += [(28, 44), (28.6 - flare / 2, 62), (27.6 - flare, hem), (27.6 - flare, hem), (38, hem + 1), (50, hem + 1.4)]
    torso = s.mask(smooth(mirror(half)))
    s.printed("torso", torso, round_=5.3)
    if kind == "puffer":
        _quilt(s, hem)
    _sleeves(s, hem)
    _closure(s, kind, hem)
    s.logo((61.5, 39.0), s.pick("logo size", 9.5, 10.5, 11.5))


def _quilt(s: Studio, hem: float) -> None:
    brush = s.brush("quilt")
    y = 31.0
    while y < hem - 4:
        line = smooth([(26.5, y - 0.6), (38, y + 1.0), (50, y + 1.2), (62, y + 1.0), (73.5, y - 0.6)], closed=False)
        s.shadow(1.08, *stroke([(a, b + 1.8) for a, b in line], 2.6))
        s.shadow(0.90, *stroke([(a, b - 1.5) for a, b in line], 2.2))
        brush.seam(line, 0.7, 0.4)
        y += 9.5


def _sleeves(s: Studio, hem: float) -> None:
    outline: list[Point] = [
        (31.5, 21.6),
        (26, 23.6),
        (20.5, 31),
        (16, 48),
        (13.2, 66),
        (12.6, 74),
        (12.6, 74),
        (17, 75.8),
    ]
    outline += [(21.8, 75.6), (21.8, 75.6), (24.2, 64), (28.6, 46), (31, 38), (31.4, 28)]
    for side, path in (("left", smooth(outline)), ("right", smooth(flip(outline)))):
        mask = s.mask(path)
        s.shadow(0.80, [(x + (1.8 if side == "left" else -1.0), y + 0.8) for x, y in path])
        s.printed(f"sleeve {side}", mask, turned(-12 if side == "left" else 12), round_=3.1, relief=0.5)
        cuff = smooth(
            [(12.4, 72), (12.4, 72), (22.4, 73), (22.4, 73), (21.8, 78.4), (21.8, 78.4), (12.2, 77.4), (12.2, 77.4)]
        )
        s.solid(f"cuff {side}", s.mask(cuff if side == "left" else flip(cuff)), darker(s.look.accent, 0.9), "wool", 1.2)


def _closure(s: Studio, kind: str, hem: float) -> None:
    brush, c = s.brush("closure"), s.canvas
    if kind in {"bomber", "puffer"}:
        band = mirror(
            [(50, hem + 2.6), (38, hem + 2.2), (27.2, hem + 1), (27.4, hem - 4.6), (38, hem - 3.4), (50, hem - 3)]
        )
        s.solid("hem", s.mask(band), darker(s.look.accent, 0.9), "wool", 1.6)
    if kind in {"bomber", "puffer", "trucker"}:
        collar = smooth(
            [
                (40.6, 16.2),
                (40.6, 16.2),
                (44, 20.6),
                (50, 23.4),
                (50, 23.4),
                (50, 28.4),
                (50, 28.4),
                (43, 25.6),
                (38.2, 19),
                (38.2, 19),
            ]
        )
        if kind == "puffer":
            collar = smooth(
                [
                    (41, 12.6),
                    (41, 12.6),
                    (44, 14.6),
                    (50, 15.6),
                    (50, 15.6),
                    (50, 27),
                    (50, 27),
                    (43, 25.4),
                    (39, 20.6),
                    (39.4, 15),
                ]
            )
        if kind == "trucker":
            collar = [(40.8, 15.6), (50, 24), (44.6, 32.5), (34.6, 22.4)]
        tint = s.look.accent if kind != "trucker" else lighter(s.look.colour, 0.08)
        for part, path in (("collar l", collar), ("collar r", flip(collar))):
            s.shadow(0.78, [(x + 0.5, y + 1.2) for x, y in path])
            s.solid(part, s.mask(path), tint, "wool" if kind == "bomber" else s.look.material, 1.2)
    top = 24.0 if kind != "anorak" else 28.0
    if kind == "trucker":
        brush.seam([(50.6, top), (50.6, hem)], 0.5)
        brush.seam([(28.5, 38), (49, 38.5)], 0.5)
        brush.seam([(51, 38.5), (71.5, 38)], 0.5)
        for x in (34.0, 56.0):
            flap: Path = [(x, 40), (x + 10, 40), (x + 10, 44), (x + 5, 46.4), (x, 44)]
            brush.seam([*flap, flap[0]], 0.45)
        for index in range(6):
            _button(s, (50, 29 + index * (hem - 32) / 5))
        return
    end = hem if kind != "anorak" else 50.0
    brush.canvas.tone(s.mask([(47.6, top), (50, top), (50, end), (47.6, end)]), 0.93)
    c.lay(s.mask(*stroke([(50, top), (50, end)], 1.5)), darker(s.look.accent, 0.7), solid=False)
    c.lay(s.mask(*dashes([(50, top), (50, end)], 0.9, 0.55)), STEEL, 0.85, solid=False)
    c.lay(s.mask(rounded(49.2, top + 1, 50.8, top + 5, 0.7)), STEEL, solid=False)
    if kind == "anorak":
        pouch: Path = [(35, 56), (65, 56), (67, 72), (33, 72)]
        brush.seam([*pouch, pouch[0]], 0.6)
        brush.seam([(33, 53), (67, 53)], 0.5)
        return
    for x0, x1 in ((33.5, 39.5), (66.5, 60.5)):
        y = 60.0 if kind != "parka" else 64.0
        if kind == "parka":
            low, high = min(x0, x1) - 2, max(x0, x1) + 2
            flap = [(low, y), (high, y), (high, y + 5.6), (low, y + 5.6)]
            s.shadow(0.78, [(a + 0.4, b + 0.8) for a, b in flap])
            s.solid(f"flap {x0}", s.mask(flap), lighter(s.look.colour, 0.06), round_=1.2)
        else:
            brush.seam([(x0, y + 9), (x1, y)], 1.1, 0.5)


def _button(s: Studio, centre: Point) -> None:
    s.canvas.tone(s.mask(ellipse(centre[0] + 0.2, centre[1] + 0.3, 1.15, 1.15, steps=16)), 0.6)
    s.canvas.lay(s.mask(ellipse(*centre, 1.0, 1.0, steps=16)), (188, 150, 96), solid=False)
    s.canvas.lay(s.mask(ellipse(centre[0] - 0.25, centre[1] - 0.25, 0.4, 0.4, steps=10)), (240, 216, 170), solid=False)


def cap(s: Studio) -> None:
    """Headwear: a baseball cap from the side, a beanie or a bucket hat."""
    if s.look.kind == "beanie":
        _beanie(s)
    elif s.look.kind == "bucket":
        _bucket(s)
    else:
        _baseball(s)


def _baseball(s: Studio) -> None:
    c, brush = s.canvas, s.brush("cap")
    under = smooth(
        [(52, 62), (52, 62), (70, 61), (86, 66), (95, 72), (95, 72), (84, 74.4), (66, 72), (52, 69.5), (52, 69.5)]
    )
    s.solid("under", s.mask(under), darker(s.look.accent, 0.5), "cotton", 1.2)
    dome = smooth(
        [
            (11, 66),
            (11, 66),
            (11.5, 52),
            (18, 38),
            (30, 29),
            (44, 26),
            (57, 29),
            (67, 38),
            (71.5, 52),
            (72, 63),
            (72, 63),
            (56, 66.5),
            (40, 69),
            (24, 69),
            (11, 66),
        ]
    )
    mask = s.mask(dome)
    s.printed("dome", mask, round_=6.9, relief=0.75)
    for line in (
        [(43, 26), (32, 36), (26, 50), (24, 68.6)],
        [(44, 26), (50, 38), (52, 52), (51, 67.6)],
    ):
        brush.seam(smooth(line, closed=False), 0.6, 0.3)
    for x, y in ((36, 37), (47.5, 36.5), (24, 42)):
        c.lay(s.mask(ellipse(x, y, 0.9, 1.0, steps=14)), darker(s.look.colour, 0.45), solid=False)
    s.solid("button", s.mask(ellipse(44, 26, 2.6, 1.5)), s.look.accent, "cotton", 0.8)
    peak = smooth(
        [
            (48, 67.6),
            (48, 67.6),
            (60, 62),
            (72, 59.5),
            (84, 61.2),
            (92, 65.4),
            (96, 69.6),
            (95.4, 73),
            (86, 71.6),
            (72, 69.4),
            (58, 69),
            (48, 71.4),
            (48, 71.4),
        ]
    )
    s.shadow(0.75, [(x - 0.5, y + 1.4) for x, y in peak])
    s.solid("peak", s.mask(peak), s.look.accent, round_=2.2, relief=0.6)
    for rise in (0.0, 1.5, 3.0):
        row = smooth(
            [(54, 67.8 - rise * 0.6), (70, 64.8 - rise * 0.8), (84, 66 - rise), (92, 69.4 - rise)], closed=False
        )
        c.tone(s.mask(*dashes(row, 0.22, 0.7)), 0.75)
    band = smooth([(11, 63.4), (24, 66.2), (40, 66.2), (56, 63.8), (72, 60.4)], closed=False)
    brush.seam(band, 0.5, 0.3)
    s.logo((57.5, 47.5), s.pick("logo size", 12, 13.5))


def _beanie(s: Studio) -> None:
    tall = s.pick("tall", 0, 4)
    if s.pick("pompom", 0, 1):
        ball = s.mask(
            *(ellipse(50 + dx, 18 - tall + dy, 5.6, 5.6) for dx, dy in ((0, 0), (-3.4, 1), (3.4, 1), (0, -3.4), (0, 3)))
        )
        s.solid("pompom", ball, s.look.accent, "wool", 2.5, 0.8)
    dome = smooth(
        mirror(
            [(50, 21 - tall), (40, 22.5 - tall), (28, 32 - tall), (22, 46), (20.5, 62), (21, 70), (21, 70), (50, 72)]
        )
    )
    s.printed("dome", s.mask(dome), round_=7.2, relief=0.75)
    fold = smooth(
        mirror([(50, 62), (34, 61), (18.6, 58), (18.6, 58), (17.6, 68), (18.6, 78), (18.6, 78), (34, 81), (50, 81.6)])
    )
    s.shadow(0.78, [(x, y - 1.4) for x, y in fold])
    s.solid("fold", s.mask(fold), s.look.accent, "wool", 3.4, 0.6)
    ribs = [stroke([(x, 60 - abs(x - 50) * 0.03), (x + (x - 50) * 0.03, 80)], 0.8) for x in range(22, 80, 4)]
    s.shadow(0.86, *(path for rib in ribs for path in rib))
    s.logo((50, 71), 11.5, s.look.accent)


def _bucket(s: Studio) -> None:
    brush = s.brush("bucket")
    crown = smooth(
        mirror([(50, 26), (40, 26.6), (31, 30), (31, 30), (27.5, 44), (24, 60), (24, 60), (36, 64.6), (50, 65.6)])
    )
    s.printed("crown", s.mask(crown), round_=5.6, relief=0.65)
    brush.seam(smooth([(31, 30.4), (40, 33.4), (50, 34), (60, 33.4), (69, 30.4)], closed=False), 0.5, 0.3)
    brim = smooth(
        [
            (24.4, 57),
            (24.4, 57),
            (36, 61.6),
            (50, 62.8),
            (64, 61.6),
            (75.6, 57),
            (75.6, 57),
            (86, 64),
            (92, 74),
            (92, 74),
            (74, 80.4),
            (50, 82.6),
            (26, 80.4),
            (8, 74),
            (8, 74),
            (14, 64),
        ]
    )
    s.shadow(0.80, [(x, y - 1.2) for x, y in brim])
    s.printed("brim", s.mask(brim), round_=2.8, relief=0.5)
    for rise in (0.0, 2.6, 5.2, 7.8):
        row = smooth(
            [(11 + rise, 72.6 - rise), (28, 78 - rise), (50, 80 - rise), (72, 78 - rise), (89 - rise, 72.6 - rise)],
            closed=False,
        )
        brush.seam(row, 0.28, 0.22)
    s.logo((50, 47.5), s.pick("logo size", 13, 15))
