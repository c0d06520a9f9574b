"""A fake engine with a made-up shop, for windows without torch; and a guard against threads left behind."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest
from PIL import Image, ImageDraw
from PySide6.QtCore import QLocale, QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.i18n import LanguageSource
from app.main_window import MainWindow
from app.settings import Settings
from app.theme import ThemeSource
from engine.answers import AttributeValues, DatasetSummary, ItemPage, Items, RankedItem, Ranking, RunSummary, Shoppers
from engine.desk import RunLog
from engine.explain.types import Explanation, Faithfulness, HistoryEvent, ItemText, Token
from engine.jobs import Progress
from engine.rules import Rule
from engine.scenario import Scenario
from engine.workspace import DatasetEntry, RunEntry, WorkspaceSummary

Open = Callable[..., MainWindow]
GOODS = ("Rain jacket", "Trail shoe", "Wool beanie", "Steel watch", "Canvas backpack", "Striped hoodie")
COLOURS = ("navy", "green", "orange", "grey", "purple", "red")
DESCRIPTION = "Light {good} with a packable hood and taped seams. Kept me dry on a two hour trail run."
REVIEW = "The sleeves are a bit short for me, but the three stripes look good."
ITEMS = 60
SHOPPERS = 25
HEADS = 4
GRID = 7


def draw_shop(folder: Path) -> Path:
    """Write a photo for every made-up product; return the dataset folder."""
    media = folder / "media"
    media.mkdir(parents=True)
    for index in range(ITEMS):
        image = Image.new("RGB", (224, 224), "white")
        draw = ImageDraw.Draw(image)
        color = COLOURS[index % len(COLOURS)]
        draw.rounded_rectangle((50, 40 + index % 30, 174, 200), radius=24, fill=color)
        draw.ellipse((80, 70, 80 + 10 + index, 80 + 10 + index), fill="white")
        image.save(media / f"{index}.png")
    return folder


def title(index: int) -> str:
    return f"{GOODS[index % len(GOODS)]} {index}, {COLOURS[index % len(COLOURS)]}"


def photo(index: int) -> str | None:
    return None if index % 10 == 9 else f"media/{index}.png"  # every tenth product has none


def make_run(folder: Path, name: str = "weighted-01") -> RunSummary:
    dataset = DatasetSummary(
        str(folder), "Made-up shop", "shop", "tests", "none", True,
        {"items": ITEMS, "users": SHOPPERS, "events": 400, "reviews": 60},
        ("2024-01-01T00:00:00Z", "2025-12-31T00:00:00Z"), (),
    )  # fmt: skip
    index = range(ITEMS)
    return RunSummary(
        run=name,
        folder=str(folder / name),
        dataset=dataset,
        items=Items(
            tuple(f"i{i}" for i in index),
            tuple(title(i) for i in index),
            tuple(GOODS[i % len(GOODS)] for i in index),
            tuple(photo(i) for i in index),
            tuple(100 - i for i in index),
        ),
        shoppers=Shoppers(
            tuple(f"u{i}" for i in range(SHOPPERS)),
            tuple(1 + (i * 7) % 30 for i in range(SHOPPERS)),
            tuple(f"{GOODS[i % 6]}, {COLOURS[(i + 1) % 6]}".lower() for i in range(SHOPPERS)),
        ),
        fusion="weighted",
        heads=HEADS,
        methods=("contribution", "attention"),
        modalities=("image", "text", "attribute", "link", "identity"),
        encoders={"image": "EfficientNet-Lite0", "text": "all-MiniLM-L6-v2"},
        metrics={"validation ndcg@10": 0.118, "test ndcg@10": 0.104, "test recall@10": 0.19},
        epoch=13,
        device="cpu",
        config={"epochs": 21, "seed": 7},
    )


def _history(user: str, *, explained: bool) -> tuple[HistoryEvent, ...]:
    shift = int(user[1:])
    count = 1 + (shift * 7) % 30
    return tuple(
        HistoryEvent(
            f"i{(shift + 3 * n) % ITEMS}",
            title((shift + 3 * n) % ITEMS),
            f"2025-{1 + n % 12:02d}-05T10:00:00Z",
            "purchase",
            photo((shift + 3 * n) % ITEMS),
            round(0.6 * np.cos(n + shift), 2) if explained else None,
        )
        for n in range(count)
    )


def _score(user: str, item: str) -> tuple[dict[str, float], float]:
    random = np.random.default_rng([int(user[1:]), int(item[1:])])
    names = ("image", "text", "attribute", "link", "identity")
    parts = {name: float(value) for name, value in zip(names, random.normal(1, 0.8, 5), strict=True)}
    parts["bias"] = 0.31
    return parts, sum(parts.values())


def make_ranking(run: RunSummary, user: str, k: int = 100) -> Ranking:
    scored = sorted(((_score(user, item), item) for item in run.items.item), key=lambda pair: -pair[0][1])
    rows = tuple(
        RankedItem(item, title(int(item[1:])), photo(int(item[1:])), rank, total, parts)
        for rank, ((parts, total), item) in enumerate(scored[:k], start=1)
    )
    return Ranking(run.run, user, ITEMS, rows, _history(user, explained=False), 0.01)


def _tokens(index: int, description: str, parts: dict[str, float]) -> tuple[list[Token], list[float]]:
    """Words, cells, attributes, a link and the identity, with shares that sum to the parts."""
    tokens: list[Token] = []
    shares: list[float] = []

    def add(modality: str, made: list[Token]) -> None:
        weights = np.random.default_rng(index + len(made)).normal(0.2, 1, len(made))
        tokens.extend(made)
        shares.extend(weights + (parts[modality] - weights.sum()) / len(made))

    words: list[Token] = []
    for name, text in (("title", title(index)), ("description", description), ("review:1", REVIEW)):
        position = 0
        for word in text.split():
            start = text.index(word, position)
            position = start + len(word)
            words.append(Token("text", word, name, (start, position)))
    add("text", words)
    if photo(index):
        edge = np.linspace(0, 1, GRID + 1)
        add("image", [
            Token("image", f"row {r + 1}, column {c + 1}", photo(index) or "", None,
                  (float(edge[c]), float(edge[r]), float(edge[c + 1]), float(edge[r + 1])))
            for r in range(GRID) for c in range(GRID)
        ])  # fmt: skip
    add("attribute", [
        Token("attribute", COLOURS[index % 6], "colour"),
        Token("attribute", GOODS[index % 6].lower(), "category"),
        Token("attribute", "2,499", "price"),
    ])  # fmt: skip
    add("link", [Token("link", "Northway", "brand")])
    add("identity", [Token("identity", "this product")])
    return tokens, shares


def make_explanation(run: RunSummary, user: str, item: str, method: str = "contribution") -> Explanation:
    index = int(item[1:])
    parts, _ = _score(user, item)
    if photo(index) is None:
        parts = {**parts, "image": 0.0}
    description = DESCRIPTION.format(good=GOODS[index % 6].lower())
    tokens, shares = _tokens(index, description, parts)
    contribution = np.array(shares)
    random = np.random.default_rng(index)
    split = random.dirichlet(np.ones(HEADS), len(tokens))
    attention = random.random((len(tokens), HEADS))
    attention /= attention.sum(axis=0)
    ranks = [row.item for row in make_ranking(run, user, ITEMS).items]
    shown = contribution if method == "contribution" else attention.mean(axis=1)
    return Explanation(
        run=run.run, user=user, item=item, title=title(index), rank=ranks.index(item) + 1, catalogue=ITEMS,
        score=float(contribution.sum() + parts["bias"]), bias=parts["bias"], method=method, tokens=tuple(tokens),
        contribution=shown, contribution_by_head=split * shown[:, None], attention=attention,
        texts=(
            ItemText("title", title(index)),
            ItemText("description", description),
            ItemText("review:1", REVIEW, "u3", 4.0),
            ItemText("review:2", "Written later, so the model was not given it.", "", None, False),
        ),
        images=(photo(index) or "",) if photo(index) else (),
        grid=(GRID, GRID) if photo(index) else (0, 0),
        history=_history(user, explained=method == "contribution"),
        completeness_gap=2e-7 if method == "contribution" else 0.0,
        faithfulness=Faithfulness("A" if method == "contribution" else "D", 0.2, (0.5,) * 10, 2.4, 0.5, 43, 8),
        seconds=0.02,
        sums_to_score=method == "contribution",
    )  # fmt: skip


class FakeEngine(QObject):
    """An engine lane that answers from the made-up shop, a turn of the event loop after it is asked.

    `answers` (name -> value or callable of the arguments) puts something else in place of an answer; an exception
    there is reported as a failure. `held` names jobs whose answers wait for `release`. `asked` lists what was asked.
    """

    finished = Signal(int, object)
    failed = Signal(int, str, str)
    progressed = Signal(int, object)
    cancelled = Signal(int)
    restarted = Signal()
    beat = Signal(object)

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run = make_run(folder)
        self.folder = folder
        self.asked: list[tuple[int, str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {}
        self.held: set[str] = set()
        self.calls: list[tuple[str, int]] = []  # cancel, pause and resume

    def submit(self, name: str, /, channel: str = "", **arguments: Any) -> int:
        job = len(self.asked) + 1
        self.asked.append((job, name, arguments))
        if name not in self.held:
            QTimer.singleShot(0, self, lambda: self._answer(job, name, arguments))
        return job

    def release(self, job: int) -> None:
        """Answer a held job now."""
        _, name, arguments = self.asked[job - 1]
        self._answer(job, name, arguments)

    def progress(self, job: int, progress: Progress) -> None:
        self.progressed.emit(job, progress)

    def cancel(self, job: int) -> None:
        self.calls.append(("cancel", job))
        self.cancelled.emit(job)

    def pause(self, job: int) -> None:
        self.calls.append(("pause", job))

    def resume(self, job: int) -> None:
        self.calls.append(("resume", job))

    def stop(self) -> None:
        self.calls.append(("stop", 0))

    def _answer(self, job: int, name: str, arguments: dict[str, Any]) -> None:
        answer = self.answers.get(name, getattr(self, f"_answer_{name}", None))
        if callable(answer):
            answer = answer(**arguments)
        if isinstance(answer, Exception):
            self.failed.emit(job, getattr(answer, "message", str(answer)), getattr(answer, "hint", ""))
        else:
            self.finished.emit(job, answer)

    def _answer_list_workspace(self, workspace: str, create: bool = False) -> WorkspaceSummary:
        counts = self.run.dataset.counts
        return WorkspaceSummary(
            workspace,
            (DatasetEntry("Made-up shop", str(self.folder), True, counts),),
            (
                RunEntry("weighted-01", str(self.folder / "weighted-01"), "Made-up shop", "done", 13, 0.104),
                RunEntry("concat-02", str(self.folder / "concat-02"), "Made-up shop", "paused", 4, None),
            ),
            (),
        )

    def _answer_open_run(self, run: str) -> RunSummary:
        return make_run(self.folder, Path(run).name)

    def _answer_rank(
        self, run: str, user: str, k: int = 100, scenario: Scenario | None = None, rules: tuple[Rule, ...] = ()
    ) -> Ranking:
        return make_ranking(self.run, user, k)

    def _answer_explain(
        self,
        run: str,
        user: str,
        item: str,
        method: str = "contribution",
        scenario: Scenario | None = None,
        rules: tuple[Rule, ...] = (),
    ) -> Explanation:
        return make_explanation(self.run, user, item, method)

    def _answer_page(self, run: str, item: str) -> ItemPage:
        found = make_explanation(self.run, "u0", item)
        attributes = tuple((token.field, token.label) for token in found.tokens if token.modality == "attribute")
        return ItemPage(item, found.title, found.texts, found.images, attributes)

    def _answer_values(self, run: str) -> tuple[AttributeValues, ...]:
        return (AttributeValues("colour", COLOURS), AttributeValues("origin", ("Peru",)))

    def _answer_history(self, run: str) -> RunLog:
        rows = tuple(
            {"epoch": e, "loss": 5 / e, "ndcg@10": 0.02 * e, "recall@10": 0.04 * e} for e in (1.0, 2.0, 3.0, 4.0)
        )
        return RunLog(run, str(self.folder), {"epochs": 21, "fusion": "concat"}, rows)


@pytest.fixture(scope="session")
def drawn_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up shop, drawn once; tests get copies."""
    return draw_shop(tmp_path_factory.mktemp("drawn") / "made-up")


@pytest.fixture
def shop(drawn_shop: Path, tmp_path: Path) -> Path:
    """The folder of the made-up shop, with its photos."""
    return shutil.copytree(drawn_shop, tmp_path / "workspace" / "datasets" / "made-up")


@pytest.fixture
def engine(qapp: QObject, shop: Path) -> FakeEngine:
    return FakeEngine(shop)


@pytest.fixture
def batch_lane(engine: Any, shop: Path) -> Any:
    lane = type(engine)(shop)
    lane.held.update({"sample", "train", "import_dataset"})
    return lane


@pytest.fixture
def open_window(qtbot: QtBot, engine: Any, batch_lane: Any, tmp_path: Path) -> Iterator[Open]:
    languages = LanguageSource("en")
    windows: list[MainWindow] = []

    def make(settings: Settings | None = None, run: str = "", **options: Any) -> MainWindow:
        window = MainWindow(
            engine,
            batch_lane,
            themes=ThemeSource((settings or Settings()).theme),
            languages=languages,
            settings=settings or Settings(theme="light"),
            workspace=tmp_path / "workspace",
            run=run,
            **options,
        )
        windows.append(window)
        with qtbot.waitSignals([window.ready, window.workspace.changed]):
            window.show()
        return window

    yield make
    for window in windows:
        window.batch.tasks.clear()  # nobody is there to be asked
        window.close()
        window.deleteLater()
    languages.remove()
    QApplication.processEvents()


@pytest.fixture(autouse=True)
def one_language() -> Iterator[None]:
    """What a test chose as the language is forgotten with it."""
    before = QLocale()
    yield
    QLocale.setDefault(before)


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a tiny shop and two runs on it, to be copied and not to be changed."""
    from tests.app.real_shop import make_workspace  # it knows this file

    return make_workspace(tmp_path_factory.mktemp("real") / "workspace")


@pytest.fixture
def real_engine(qapp: Any, real: Path) -> Iterator[Any]:
    """An engine that answers from it in the test's own process."""
    from tests.app.real_shop import RealEngine

    made = RealEngine(real / "datasets" / "tiny")
    yield made
    made.close()
