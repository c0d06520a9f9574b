"""Help on the view in front, beside it; and the tour through Explore."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication, QBoxLayout, QWidget

from app import commands
from app.places import EXPLORE
from app.views.panel import focus_again

if TYPE_CHECKING:
    from app.views.help import HelpDrawer
    from app.views.tour import Tour
    from app.window import Window


class Guide(QObject):
    """place: where the drawer with the help is put."""

    def __init__(self, window: Window, place: QBoxLayout) -> None:
        super().__init__(window.frame)
        self._window, self._place = window, place
        self.drawer: HelpDrawer | None = None
        self._tour: Tour | None = None
        self._before: QWidget | None = None  # had the keyboard when help was opened

    def toggle(self) -> None:
        """Show help on the view in front beside it, with the keyboard to read it; or put it away, and go on."""
        here = QApplication.focusWidget()
        if self.drawer is not None:
            within = here is None or self.drawer.isAncestorOf(here)
            self._put_away()
            if within:
                self._go_on()
            return
        self._before = here
        self._bring_out().page.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _go_on(self) -> None:
        """Give the keyboard back to where it was."""
        before, self._before = self._before, None
        if not focus_again(before):
            self._window.show_view(self._window.current)

    def _put_away(self) -> None:
        if self.drawer is not None:
            self.drawer.hide()
            self.drawer.deleteLater()
            self.drawer = None

    def _bring_out(self) -> HelpDrawer:
        from app.views.help import HelpDrawer

        self.drawer = HelpDrawer(self._window.themes)
        self.drawer.closed.connect(self.toggle)
        self.drawer.view_asked.connect(self._window.show_view)
        self._place.addWidget(self.drawer)
        self.turn()
        return self.drawer

    def turn(self) -> None:
        """To the page on the view in front, where help is shown. The tour is of Explore alone."""
        window = self._window
        if window.current != EXPLORE:
            self.end_tour()
        if self.drawer is not None:
            own = window.view.offers() if window.view is not None else []
            self.drawer.show_view(window.languages.language, window.current, [*own, *commands.offered(window)])

    def make_anew(self) -> None:
        """In the colours and the language of now, where help is shown."""
        if self.drawer is not None:
            self._put_away()
            self._bring_out()

    def start_tour(self) -> None:
        """Look around Explore; where there is nothing to explore yet, the first steps speak for themselves."""
        from app.views.tour import Tour

        window = self._window
        self.end_tour()
        window.show_view(EXPLORE)
        if window.session.run is None:
            return
        self._tour = Tour(window.frame, window.themes, commands.stops(window))
        self._tour.ended.connect(self._toured)

    def end_tour(self) -> None:
        """Put the tour away: what it points at is about to go."""
        if self._tour is not None:
            self._tour.end()

    def _toured(self) -> None:
        self._tour = None
        self._window.remembered.change(tour="seen")

    def offer_tour(self) -> None:
        """Start the tour by itself as soon as there is an explanation to look at."""
        session = self._window.session

        def begin(found: object) -> None:
            if found is not None:
                session.explanation_changed.disconnect(begin)
                QTimer.singleShot(300, self, self.start_tour)

        session.explanation_changed.connect(begin)
