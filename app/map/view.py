"""Map: products, shoppers and reasons in two dimensions, coloured by any column, with a lasso that makes segments."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QInputDialog, QSplitter, QVBoxLayout, QWidget

from app.actions import Action, Reason
from app.map.canvas import LASSO, MOVE, RECTANGLE, Canvas, Mark, Told
from app.map.cloud import Cloud
from app.map.colours import OTHER, Colouring, colouring, point_colours
from app.map.controls import SegmentChip, SideBar, ToolBar
from app.map.names import column_name, value_name
from app.map.reading import labels_of, members_of, name_of, pale, table_of, told
from app.questions import Questions
from app.read_only import enable
from app.segments import Kind, Segment
from app.session import Session
from app.theme import ThemeSource
from app.thumbnails import Thumbnails
from app.views.panel import Panel
from app.views.shown import percent
from app.views.view import Numbers, View
from app.views.working import Working
from engine.answers import RunSummary
from engine.columns import Column, Projection
from engine.rules import Rule

WHATS = ("items", "users", "reasons")
_AT_ONCE = 3000  # shoppers whose vectors are computed in a moment
_PAUSE = 120  # milliseconds after a move until what is in sight is listed
_KEPT = 5000  # selected points that come back after a restart
_FIRST = {"items": "category", "users": "taste", "reasons": "top_part"}


class MapView(View):
    """Asks for places, colours them, and turns what is drawn around into a selection and a segment."""

    def __init__(self, session: Session, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._themes = session, themes
        self.what, self.how = "items", "pca"
        self.found: Projection | None = None
        self.coloured: Colouring | None = None
        self.selection: NDArray[np.int64] = np.zeros(0, np.int64)
        self._colour_by: dict[str, str] = dict(_FIRST)
        # Run, what, how and business rules of the map that is shown or on its way.
        self._asked: tuple[str, str, str, tuple[Rule, ...]] | None = None
        self._place_of: dict[str, int] = {}  # key of a product or shopper -> its point
        self._kept: dict[str, Any] = {}  # the camera and selection to come back to once the map is there
        self._quick = Questions(session.engine, "map", self)
        self._study = Questions(session.study, "map", self)
        self.thumbnails = Thumbnails(themes, self)
        self.canvas = Canvas(themes, self.thumbnails, self._tell)
        self.tools = ToolBar(themes, umap=find_spec("umap") is not None)
        self.side = SideBar(themes, self.thumbnails)
        self.within = SegmentChip(themes)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE)
        self._pause.timeout.connect(self._list_points)
        self._lay_out()
        self._connect()
        self._run_changed(session.run)

    def _lay_out(self) -> None:
        self.panel = Panel(self._themes)
        self.panel.top.insertWidget(1, self.within)
        self.panel.body.addWidget(self.tools.problem)
        self.panel.body.addWidget(self.canvas, 1)
        working = Working(self._study)
        policy = working.sizePolicy()
        policy.setRetainSizeWhenHidden(False)  # the map has the room while nothing is worked on
        working.setSizePolicy(policy)
        self.panel.body.addWidget(working)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setHandleWidth(12)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self.panel)
        self.splitter.addWidget(self.side)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setStretchFactor(1, 0)
        self.splitter.setSizes([900, 270])
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 14, 14, 14)
        column.setSpacing(12)
        column.addWidget(self.tools)
        column.addWidget(self.splitter, 1)

    def _connect(self) -> None:
        session = self._session
        session.run_changed.connect(self._run_changed)
        session.rules.changed.connect(self._ask)
        session.user_changed.connect(self._mark)
        session.item_changed.connect(self._mark)
        session.segment_changed.connect(self._recolour)
        self._themes.changed.connect(self._recolour)
        for questions in (self._quick, self._study):
            questions.failed.connect(self._failed)
            questions.changed.connect(self._busy_changed)
        self.tools.what_chosen.connect(self.show_what)
        self.tools.how_chosen.connect(self.show_how)
        self.tools.colour_chosen.connect(self.colour_by)
        self.tools.tool_chosen.connect(self.choose_tool)
        self.tools.zoomed.connect(self.canvas.nearer)
        self.tools.fitted.connect(self.canvas.fit)
        self.tools.retried.connect(self._retry)
        self.canvas.clicked.connect(self._clicked)
        self.canvas.picked.connect(self._picked)
        self.canvas.escaped.connect(self.clear_selection)
        self.canvas.moved.connect(self._pause.start)
        self.side.legend.chosen.connect(self._select_code)
        self.side.opened.connect(self._clicked)
        self.side.save.clicked.connect(self.ask_segment)
        self.side.clear.clicked.connect(self.clear_selection)
        self.within.clicked.connect(self._leave_segment)

    # --- asking -----------------------------------------------------------------------------------------------------

    def _run_changed(self, run: RunSummary | None) -> None:
        if run is not None:
            self.thumbnails.open(run.dataset.folder)
        self._asked = None
        self._show(None)
        self._ask()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._ask()

    def _ask(self) -> None:
        """Ask for the map that should be shown, if anybody looks."""
        run = self._session.run
        if run is None or not self.isVisible():
            return
        under = self._session.under_rules() if self.what == "reasons" else {}  # what is shown first is explained
        wanted = (run.folder, self.what, self.how, under.get("rules", ()))
        if wanted == self._asked:
            return
        self._asked = wanted
        self.tools.problem.hide()
        self._quick.drop_all()
        self._study.drop_all()
        few = self.what == "items" or (self.what == "users" and len(run.shoppers) <= _AT_ONCE)
        questions = self._quick if few and self.how == "pca" else self._study
        questions.ask("project", self._show, run=run.folder, what=self.what, how=self.how, **under)

    def _retry(self) -> None:
        self._asked = None
        self._ask()

    @property
    def busy(self) -> bool:
        return self._quick.busy or self._study.busy

    def _busy_changed(self) -> None:
        self.panel.dim(self.busy and self.found is not None)
        if not self.busy and self.found is None:
            self._say_note()

    def _failed(self, message: str, hint: str) -> None:
        self.tools.say_problem(message, hint)

    def show_what(self, what: str) -> None:
        """Show products, shoppers or reasons."""
        if what in WHATS and what != self.what:
            self.what = what
            self.tools.show_choice(self.what, self.how)
            self._ask()

    def show_how(self, how: str) -> None:
        """Lay the map out by "pca" or "umap"."""
        if how != self.how:
            self.how = how
            self.tools.show_choice(self.what, self.how)
            self._ask()

    # --- showing ----------------------------------------------------------------------------------------------------

    def _show(self, found: Projection | None) -> None:
        self.found = found
        self.selection = np.zeros(0, np.int64)
        keys = () if found is None else found.users or found.items
        self._place_of = {key: point for point, key in enumerate(keys)}
        if found is None:
            self.coloured = None
            self.canvas.show_cloud(None, anew=True)
            self.canvas.marks, self.canvas.labels = (), ()
            self.tools.offer_colours([], "")
            self.side.legend.show_colouring(None)
        else:
            entries = [(column_name(column), column.name) for column in found.columns]
            known = {column.name for column in found.columns}
            wanted = self._colour_by.get(found.what, "")
            self.tools.offer_colours(entries, wanted if wanted in known or not wanted else found.columns[0].name)
            self._colour(anew=True)
            self._come_back()
        self._say_note()

    def colour_by(self, name: str) -> None:
        """Colour the points by a column; "" for all alike."""
        if self.found is not None:
            self._colour_by[self.found.what] = name
            self.tools.show_colour(name)
            self._colour()

    @property
    def column(self) -> Column | None:
        """What the points are coloured by."""
        name = self.tools.colour
        return next((one for one in self.found.columns if one.name == name), None) if self.found is not None else None

    def _colour(self, anew: bool = False) -> None:
        assert self.found is not None
        self.coloured = colouring(self.column, len(self.found))
        self.side.legend.show_colouring(self.coloured)
        self.canvas.labels = labels_of(self.found, self.coloured)
        self.canvas.images = self.found.image
        self._draw(anew)
        self._mark()

    def _recolour(self, _: object = None) -> None:
        self._draw()

    def _draw(self, anew: bool = False) -> None:
        """Colours again: of another theme, selection or segment."""
        if self.found is None or self.coloured is None:
            return
        faint = self._faint()
        shape = self.coloured.code.astype(np.uint8)
        pixel = point_colours(self.coloured, self._themes.theme)
        if faint.any():
            pixel = np.where(faint, pale(pixel, self._themes.theme), pixel)
        self.canvas.show_cloud(Cloud(self.found.place, shape, pixel, faint), anew)
        self._list_points()
        self._say_note()

    def _faint(self) -> NDArray[np.bool_]:
        """What stands back: points beside the selection, or beside the segment."""
        assert self.found is not None
        faint = np.zeros(len(self.found), bool)
        members = members_of(self.found, self._session.segment)
        if len(self.selection):
            faint[:] = True
            faint[self.selection] = False
        elif members is not None:
            faint = ~members
        return faint

    def _mark(self, _: str = "") -> None:
        """Ring what the session has chosen."""
        found = self.found
        point = self._place_of.get(self._session.item if found is not None and not found.users else self._session.user)
        self.canvas.marks = () if found is None or point is None else (Mark(point, name_of(found, point)),)
        self.canvas.update()

    def _say_note(self) -> None:
        found = self.found
        names = {"items": self.tr("Products"), "users": self.tr("Shoppers"), "reasons": self.tr("Reasons")}
        self.panel.heading.say(names[self.what])
        self.side.empty(self.busy or self._session.run is None)
        self.within.hide()
        if found is None:
            self.panel.note.setText("")
            return
        parts = [self.tr("%n point(s)", "", len(found))]
        if found.whole > len(found):
            parts[0] = self.tr("{n} of {all}, drawn by chance").format(n=f"{len(found):,}", all=f"{found.whole:,}")
        if found.explained:
            share = sum(found.explained)
            parts.append(self.tr("the two axes show {share} of the variance").format(share=percent(share)))
        else:
            parts.append(self.tr("UMAP: near is alike, distances and axes mean nothing"))
        if found.what == "reasons" and self._asked is not None and self._asked[3]:
            from app.rule_words import active_text  # few shops have rules

            put = next((len(one.codes) for one in found.columns if one.name == "rule" and not one.own), 0)
            text = self.tr("{rules}: they put {n} of these products first")
            parts.append(text.format(rules=active_text(len(self._asked[3])), n=f"{put:,}"))
        segment = self._session.segment
        members = members_of(found, segment)
        if segment is not None and members is not None:
            self.within.say(segment.name, int(members.sum()))
        self.panel.note.setText(" · ".join(parts))
        self.canvas.setAccessibleDescription(self.panel.note.text())

    def _leave_segment(self) -> None:
        self._session.choose_segment(None)

    def _tell(self, point: int) -> Told:
        assert self.found is not None
        return told(self.found, self.column, point)

    # --- choosing ---------------------------------------------------------------------------------------------------

    def choose_tool(self, tool: str) -> None:
        self.canvas.choose_tool(tool)
        self.tools.show_tool(tool)

    def _clicked(self, point: int) -> None:
        """Choose the product or shopper of a point, for every view."""
        found = self.found
        if found is None or point < 0:
            return
        if found.users:
            self._session.choose_user(found.users[point])
        if found.items:
            self._session.choose_item(found.items[point])

    def _picked(self, points: NDArray[np.int64], adds: bool) -> None:
        self.select(np.union1d(self.selection, points) if adds else points)

    def select(self, points: NDArray[np.int64]) -> None:
        """Select these points and no others."""
        self.selection = points.astype(np.int64)
        self._draw()

    def clear_selection(self) -> None:
        self.select(np.zeros(0, np.int64))

    def select_in_sight(self) -> None:
        self.select(self.canvas.in_sight())

    def _select_code(self, code: int) -> None:
        if self.coloured is not None:
            self.select(np.flatnonzero(self.coloured.code == code))

    def _list_points(self) -> None:
        if self.found is not None:
            selected = bool(len(self.selection))
            points = self.selection if selected else self.canvas.in_sight()
            self.side.show_points(self.found, points, selected)
            enable(self.side.save, True, self._session.segments.place)

    def ask_segment(self) -> None:
        """Ask for a name and keep the selection as a segment."""
        if not len(self.selection):
            return
        title, prompt = self.tr("Save as segment"), self.tr("Name of the segment:")
        name, given = QInputDialog.getText(self, title, prompt, text=self._suggestion())
        if given:
            self.save_segment(name)

    def save_segment(self, name: str) -> Segment | None:
        """Keep the selection as a segment, narrow every view to it, and return it."""
        found = self.found
        if found is None or not len(self.selection):
            return None
        kind: Kind = "items" if found.what == "items" else "users"
        keys = found.items if kind == "items" else found.users
        members = tuple(dict.fromkeys(keys[point] for point in self.selection.tolist()))
        rule = self.tr("drawn on the map of {what}").format(what=self.panel.heading.whole())
        made = self._session.segments.add(name, kind, members, rule)
        self.selection = np.zeros(0, np.int64)
        self._session.choose_segment(made)
        return made

    def _suggestion(self) -> str:
        """The value that most of the selected points share."""
        coloured = self.coloured
        if coloured is None or coloured.column is None or not coloured.entries:
            return self.tr("Segment")
        counts = np.bincount(coloured.code[self.selection], minlength=OTHER + 1)
        entry = next((one for one in coloured.entries if one.code == int(counts.argmax())), None)
        shared = entry is not None and entry.code != OTHER and counts.max() * 2 > counts.sum()
        return value_name(coloured.column, entry.name) if shared and entry is not None else self.tr("Segment")

    # --- what the window asks of a view -----------------------------------------------------------------------------

    def offers(self) -> list[Action]:
        def of(name: str, text: str, what: str, keys: str) -> Action:
            return Action(name, text, lambda: self.show_what(what), keys, "", "map", lambda: self.what == what)

        def by(name: str, text: str, tool: str, keys: str) -> Action:
            return Action(
                name, text, lambda: self.choose_tool(tool), keys, "", "tool", lambda: self.canvas.tool == tool
            )

        def no_map() -> str:
            if self.found is not None:
                return ""
            return self.tr("The map is being drawn.") if self.busy else self.tr("There is no map yet.")

        def fits() -> str:
            return no_map() or (self.tr("The whole map is shown already.") if self.canvas.fits else "")

        def nothing_selected() -> str:
            text = self.tr("Nothing is selected: draw around points with Shift held first.")
            return no_map() or ("" if len(self.selection) else text)

        def laid(name: str, text: str, how: str, why_not: Reason) -> Action:
            return Action(
                name, text, lambda: self.show_how(how), "", "", "map", lambda: self.how == how, why_not=why_not
            )

        def no_umap() -> str:
            return "" if self.tools.umap else self.tr("UMAP needs the package umap-learn: pip install heedmap[umap]")

        def no_segment() -> str:
            return "" if self._session.segment is not None else self.tr("No segment narrows the views.")

        return [
            of("map_items", self.tr("Map of products"), "items", "Alt+1"),
            of("map_users", self.tr("Map of shoppers"), "users", "Alt+2"),
            of("map_reasons", self.tr("Map of reasons"), "reasons", "Alt+3"),
            Action(
                "map_colour", self.tr("Colour the points by…"), self.tools.open_colours, "C", group="map",
                why_not=no_map,
            ),
            laid("map_pca", self.tr("Lay the map out by PCA"), "pca", lambda: ""),
            laid("map_umap", self.tr("Lay the map out by UMAP"), "umap", no_umap),
            by("map_move", self.tr("Move the map"), MOVE, "V"),
            by("map_lasso", self.tr("Select with a lasso"), LASSO, "L"),
            by("map_box", self.tr("Select a rectangle"), RECTANGLE, "R"),
            Action(
                "map_sight", self.tr("Select all in sight"), self.select_in_sight, "Ctrl+A", group="tool",
                why_not=no_map,
            ),
            Action(
                "map_none", self.tr("Select nothing"), self.clear_selection, "Ctrl+Shift+A", group="tool",
                why_not=nothing_selected,
            ),
            Action(
                "map_save", self.tr("Save selection as a segment…"), self.ask_segment, "Ctrl+S", group="tool",
                why_not=nothing_selected,
            ),
            Action(
                "map_all", self.tr("Leave the segment: show all in every view"), self._leave_segment, "Ctrl+U",
                group="tool", why_not=no_segment,
            ),
            Action("map_fit", self.tr("Show the whole map"), self.canvas.fit, "Ctrl+0", group="tool", why_not=fits),
        ]  # fmt: skip

    def state(self) -> dict[str, Any]:
        if self.found is None and self._kept:
            return {**self._kept, "what": self.what, "how": self.how, "colour": self._colour_by}
        camera, found = self.canvas.camera, self.found
        selected = self.selection.tolist() if len(self.selection) <= _KEPT else []
        return {
            "what": self.what,
            "how": self.how,
            "colour": self._colour_by,
            "camera": [camera.x, camera.y, self.canvas.zoom] if found is not None else None,
            "selected": selected,
            "points": len(found) if found is not None else 0,
            "sizes": self.splitter.sizes(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        if state.get("what") in WHATS:
            self.what = state["what"]
        if state.get("how") == "pca" or (state.get("how") == "umap" and self.tools.umap):
            self.how = state["how"]
        colour = state.get("colour")
        if isinstance(colour, dict):
            self._colour_by |= {str(key): str(value) for key, value in colour.items() if key in WHATS}
        sizes = state.get("sizes")
        if isinstance(sizes, list) and len(sizes) == 2 and all(isinstance(one, int) for one in sizes):
            self.splitter.setSizes(sizes)
        self._kept = dict(state)
        self.tools.show_choice(self.what, self.how)
        self._ask()

    def _come_back(self) -> None:
        """Take the place and selection of the last time, where the map is the same."""
        kept, found = self._kept, self.found
        self._kept = {}
        if found is None or kept.get("points") != len(found) or kept.get("what") != found.what:
            return
        camera = kept.get("camera")
        if isinstance(camera, list) and len(camera) == 3:
            self.canvas.look(*map(float, camera))
        points = [point for point in kept.get("selected", []) if isinstance(point, int) and 0 <= point < len(found)]
        if points:
            self.select(np.array(points, np.int64))

    def numbers(self) -> Numbers:
        return {} if self.found is None else {self.found.what: table_of(self.found, self.selection)}
