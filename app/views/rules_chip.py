"""Whether a view's ranks are under business rules: a chip that leads to them, or a line that they are left out."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QToolButton, QWidget

from app.session import Session
from app.theme import set_role


class RulesChip(QToolButton):
    """Follows the session's rules; hidden while none is in force."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        set_role(self, "chip")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip(self.tr("Business rules change this list. See and change them"))
        session.rules.changed.connect(self._say)
        session.run_changed.connect(self._say)
        self._say()

    @property
    def count(self) -> int:
        """How many rules are in force."""
        return len(self._session.rules.active) if self._session.run is not None else 0

    def _say(self, _: object = None) -> None:
        self.setVisible(self.count > 0)
        if self.count:
            from app.rule_words import active_text  # few shops have rules

            self.setText(active_text(self.count))


class WithoutRules(QLabel):
    """Says, while rules are in force, that the figures beside it are of the model's own ranking."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        set_role(self, "small")
        self.setWordWrap(True)
        self.setText(self.tr("Figures here are of the model's own ranking: the business rules in force are left out."))
        session.rules.changed.connect(self._say)
        session.run_changed.connect(self._say)
        self._say()

    def _say(self, _: object = None) -> None:
        self.setVisible(self._session.run is not None and bool(self._session.rules.active))
