"""The bars around the views: made anew for another theme or language, and what they say at any time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QMenu

from app import actions as acts
from app import choosers, commands
from app.chrome import Banner, Rail, StatusBar, TopBar
from app.frame import Frame
from app.i18n import LANGUAGES
from app.places import RULES, places
from app.read_only import WRITING, enable
from app.theme import dress, ui_font
from engine.files import is_read_only

if TYPE_CHECKING:  # what an answer brings
    from app.main_window import MainWindow
    from engine.explain.types import Explanation
    from engine.runner import Beat


class Bars(QObject):
    """place: where they stand around the views. `build` is called before anything is said."""

    top: TopBar
    rail: Rail
    banner: Banner
    status: StatusBar

    def __init__(self, window: MainWindow, place: Frame) -> None:
        super().__init__(window)
        self._window, self._place = window, place
        self._beats: dict[int, Beat] = {}  # of each lane, the last one
        self._waiting = ""
        session = window.session
        session.method_changed.connect(lambda _: self.show_open())
        session.explanation_changed.connect(self.explained)
        session.waiting_changed.connect(self._busy)
        session.rules.changed.connect(self.show_rules)
        window.batch.changed.connect(self.show_work)
        for number, lane in enumerate(window.lanes):
            lane.beat.connect(partial(self._beat, number))

    # --- how they are made ------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Make them anew: at the start, and when the theme or the language changes. The views stay."""
        window, theme = self._window, self._window.themes.theme
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.setFont(ui_font())  # another language may have another one
            dress(application, theme)
        menu, tongues = self._menus()
        self._make_top()
        self._make_rail(menu)
        self.banner = Banner(theme)
        self.banner.retry.connect(window.try_again)
        self.status = StatusBar(theme, tongues, LANGUAGES[window.languages.language])
        self.status.stop_asked.connect(window.session.stop)
        self.status.rules_asked.connect(lambda: window.show_view(RULES))
        self._place.put(self.top, self.rail, self.banner, self.status, menu, tongues)
        self.show_open()
        self.show_work()
        self.show_rules()
        self.explained(window.session.explanation)
        for number, beat in self._beats.items():
            self._beat(number, beat)
        self.rail.show_current(window.current)
        if QApplication.focusWidget() is None:  # it was in the bars that are gone
            window.front.focus_view()
        window.guide.make_anew()

    def _menus(self) -> tuple[QMenu, QMenu]:
        """The menu of all actions, and within it that of the languages; their keys work from now on."""
        window, theme = self._window, self._window.themes.theme
        for action in window.actions():
            window.removeAction(action)
            action.deleteLater()
        offered = commands.offered(window)
        made = acts.attach(offered, window, say=window.remark.say)
        menu, tongues = QMenu(window), QMenu(window)
        acts.fill(menu, [action for action in offered if action.group != "language"], made, theme)
        acts.fill(tongues, [action for action in offered if action.group == "language"], made, theme)
        tongues.setTitle(self.tr("Language"))
        menu.insertMenu(made["quit"], tongues)
        menu.insertSeparator(made["quit"])
        for one in (menu, tongues):
            one.aboutToShow.connect(partial(_check, offered, made))
        return menu, tongues

    def _make_top(self) -> None:
        window = self._window
        self.top = TopBar(window.themes.theme, window, lambda query: commands.find(window, query))
        self.top.palette_field.chosen.connect(window.remember_found)
        self.top.palette_field.left.connect(window.front.focus_view)
        self.top.dataset_chosen.connect(window.choose_dataset)
        self.top.run_chosen.connect(window.open_run)
        self.top.method_chosen.connect(window.session.choose_method)

    def _make_rail(self, menu: QMenu) -> None:
        window = self._window
        views = [
            (place.name, place.text, place.icon, f"{place.hint} (Ctrl+{number})")
            for number, place in enumerate(places(window), start=1)
        ]
        self.rail = Rail(window.themes.theme, views, menu, self.tr("Menu (F10)"))
        self.rail.chosen.connect(window.show_view)
        opener = QAction(window)
        opener.setShortcut("F10")
        opener.triggered.connect(self.rail.more.showMenu)
        window.addAction(opener)

    # --- what they say ----------------------------------------------------------------------------------------------

    def show_open(self) -> None:
        """What is open, and what can be done with it."""
        window = self._window
        choosers.fill(self.top, window.session, window.workspace)
        self.status.read_only.setVisible(is_read_only(window.workspace.folder))
        for action in window.actions():
            if action.objectName() in WRITING:
                enable(action, True, window.workspace.folder)

    def explained(self, explanation: Explanation | None) -> None:
        """How far the explanation in sight can be trusted."""
        if explanation is not None:
            trust = explanation.faithfulness
            self.top.grade.show_grade(trust.grade if trust is not None else "")

    def _busy(self, what: str) -> None:
        self._waiting = what
        self.show_work()

    def show_work(self) -> None:
        """What is being worked on."""
        self.status.show_work(self._window.batch.current, self._waiting)

    def show_rules(self) -> None:
        """How many business rules are in force."""
        session = self._window.session
        count = len(session.rules.active) if session.run is not None else 0
        text = ""
        if count:
            from app.rule_words import active_text

            text = active_text(count)
        self.status.show_rules(text)

    def _beat(self, lane: int, beat: Beat) -> None:
        self._beats[lane] = beat
        used = [one.used for one in self._beats.values() if one.device == beat.device]
        same_memory = beat.device != "CPU"  # a graphics card tells what all its users take together
        self.status.show_machine(beat.device, max(used) if same_memory else sum(used), beat.total)


def _check(offered: list[acts.Action], made: dict[str, QAction]) -> None:
    for action in offered:
        if action.checked is not None:
            made[action.id].setChecked(action.checked())
