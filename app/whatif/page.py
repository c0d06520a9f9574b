"""The chosen product's page as the dataset has it, and the values that its attributes can have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.questions import Questions
from app.session import Session
from engine.answers import AttributeValues, ItemPage
from engine.explain.types import ItemText


@dataclass(frozen=True)
class Page:
    """A page to edit. photo: the first photo, an absolute path."""

    item: str = ""
    texts: tuple[ItemText, ...] = ()
    photo: str | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    editable: bool = True  # whether the run reads pages at all


class PageSource(QObject):
    """Asks for the page of the product that the session has chosen, and once per run for known values."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.questions = Questions(session.engine, "whatif-page", self)
        self.page = Page()
        self.values: Mapping[str, tuple[str, ...]] = {}
        session.run_changed.connect(self._open)
        session.item_changed.connect(self.ask)
        self._open()

    def _open(self, *_: object) -> None:
        run = self._session.run
        self.questions.drop_all()
        self.page, self.values = Page(), {}
        self.changed.emit()
        if run is not None:
            self.questions.ask("values", self._take_values, run=run.folder)
            self.ask()

    def ask(self, *_: object) -> None:
        """Ask for the page of the chosen product."""
        run, item = self._session.run, self._session.item
        if run is not None and item and item != self.page.item:
            self.questions.ask("page", self._take, run=run.folder, item=item)

    def _take_values(self, found: tuple[AttributeValues, ...]) -> None:
        self.values = {one.name: one.values for one in found}

    def _take(self, found: ItemPage) -> None:
        run = self._session.run
        if run is None or found.item != self._session.item:
            return
        photo = str(Path(run.dataset.folder) / found.images[0]) if found.images else None
        self.page = Page(found.item, found.texts, photo, found.attributes, found.editable)
        self.changed.emit()
