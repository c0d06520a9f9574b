"""The views of the window, in the order of the rail: name, text, icon, and how each is made when first shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from app.views.view import View

if TYPE_CHECKING:
    from app.window import Window

EXPLORE, TRAIN, WELCOME = "explore", "train", "welcome"

DATA, RULES = "data", "rules"


def tr(text: str) -> str:
    return QCoreApplication.translate("Places", text)


@dataclass(frozen=True)
class Place:
    """A view before it is made. hint: its tooltip, without the shortcut."""

    name: str
    text: str
    icon: str
    hint: str
    make: Callable[[], View]


def places(window: Window) -> list[Place]:
    """Every view, in the language in force. The first is shown first; Ctrl+1, Ctrl+2 ... go to each."""

    def explore() -> View:
        from app.views.explore import ExploreView
        from app.views.notes import attach_notes

        view = ExploreView(window.session, window.themes)
        attach_notes(view, window)
        view.rules_asked.connect(lambda: window.show_view(RULES))
        return view

    def whatif() -> View:
        from app.whatif.studio import WhatIfView

        return WhatIfView(window.session, window.workspace, window.themes)

    def compare() -> View:
        from app.compare.view import CompareView

        view = CompareView(window.session, window.workspace, window.themes)
        view.rules_asked.connect(lambda: window.show_view(RULES))
        view.opened.connect(lambda: window.show_view(EXPLORE))
        view.train_asked.connect(lambda: window.show_view(TRAIN))
        return view

    def map_view() -> View:
        from app.map.view import MapView

        return MapView(window.session, window.themes)

    def data() -> View:
        from app.data.view import DataView

        view = DataView(window.session, window.workspace, window.themes)
        view.explore_asked.connect(window.go)
        return view

    def segments() -> View:
        from app.segments_view.view import SegmentsView

        view = SegmentsView(window.session, window.themes)
        view.map_asked.connect(lambda: window.show_view("map"))
        return view

    def rules() -> View:
        from app.rules_view.view import RulesView

        return RulesView(window.session, window.themes)

    def train() -> View:
        from app.views.train import TrainView

        view = TrainView(window.session, window.workspace, window.batch, window.themes)
        view.open_asked.connect(window.open_run)
        view.train_asked.connect(
            lambda data, run, settings, resume: window.tasks.train(data, run, settings, resume=resume)
        )
        return view

    def audit() -> View:
        from app.audit.view import AuditView

        view = AuditView(window.session, window.workspace, window.batch, window.themes)
        view.explore_asked.connect(window.go)
        return view

    return [
        Place(EXPLORE, tr("Explore"), "explore", tr("Why is this product shown to this shopper?"), explore),
        Place(
            "whatif", tr("What-if"), "whatif", tr("Edit a product's page or a shopper's past, see the new rank"), whatif
        ),
        Place(
            "compare",
            tr("Compare"),
            "compare",
            tr("Two runs, epochs, shoppers, products or methods side by side"),
            compare,
        ),
        Place("map", tr("Map"), "map", tr("Products, shoppers and reasons that are alike lie together"), map_view),
        Place(
            "segments", tr("Segments"), "segments", tr("Groups of shoppers or products, what sells to them"), segments
        ),
        Place(RULES, tr("Rules"), "rules", tr("Change what is shown by business rules, without training"), rules),
        Place(DATA, tr("Data"), "data", tr("Look through the dataset behind the model"), data),
        Place(TRAIN, tr("Train"), "train", tr("Train a model on this workspace's data"), train),
        Place("audit", tr("Audit"), "audit", tr("Measure whether a model is fair, stable, private and true"), audit),
    ]
