"""What stands where in the window: the bars around the views, the banner and the bar of what came back above them."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from app.chrome import Banner, Rail, StatusBar, TopBar


class Frame(QWidget):
    """Made once around the views; `put` fills it, anew for another theme or language."""

    def __init__(self, views: QWidget) -> None:
        super().__init__()
        self._made: list[QWidget] = []
        self._column = QVBoxLayout(self)
        self.middle = QHBoxLayout()  # the rail, the views, the drawer with the help
        inner = QVBoxLayout()
        self.above = QVBoxLayout()  # above the views
        for layout in (self._column, self.middle, inner):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(0)
        self.above.setContentsMargins(14, 0, 14, 0)
        self._column.addLayout(self.middle, 1)
        self.middle.addLayout(inner, 1)
        inner.addLayout(self.above)
        inner.addWidget(views, 1)

    def put(self, top: TopBar, rail: Rail, banner: Banner, status: StatusBar, *menus: QMenu) -> None:
        """Take these in place of those before. menus: go with them."""
        for old in self._made:
            old.hide()
            old.deleteLater()
        self._made = [top, rail, banner, status, *menus]
        self._column.insertWidget(0, top)
        self.middle.insertWidget(0, rail)
        self.above.addWidget(banner)
        self._column.addWidget(status)
