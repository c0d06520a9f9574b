"""A workspace that is open read-only: what would write into it is off, and says why."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from engine.files import is_read_only
from engine.rules import KINDS

# Actions of the window and of its views that write into the workspace.
WRITING = frozenset(
    {
        "import", "sample",
        "train_start", "train_go_on", "train_update", "train_evaluate",
        "audit.begin",
        "segment_new", "segment_save", "segment_name", "segment_drop",
        "map_save", "data-segment", "whatif-save", "whatif-swap",
        "rules-new", "rules-name", "rules-delete", "rules-up", "rules-down", "rules-import", "rules-first",
        "rules-never", *(f"rules-add-{kind}" for kind in KINDS),
    }
)  # fmt: skip
_TIP = "tip before"  # property of a control: its tooltip where it may write


def told() -> str:
    return QCoreApplication.translate("ReadOnly", "This workspace is open read-only.")


def enable(control: QWidget | QAction, allowed: bool, folder: Path | str | None) -> None:
    """Switch a control that writes into `folder` on where it is `allowed`; where `folder` is open read-only it stays
    off, and its tooltip says so."""
    locked, before = folder is not None and is_read_only(Path(folder)), control.property(_TIP)
    control.setEnabled(allowed and not locked)
    if locked and before is None:
        control.setProperty(_TIP, control.toolTip())
    if locked:
        control.setToolTip(told())
    elif before is not None:
        control.setToolTip(before)
        control.setProperty(_TIP, None)
