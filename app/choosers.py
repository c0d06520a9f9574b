"""What the choosers of the top bar hold: datasets, their runs, the methods of the open run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from app.chrome import TopBar
from app.method_names import method_name
from app.session import Session
from app.workspace import Workspace

if TYPE_CHECKING:
    from engine.workspace import DatasetEntry


def fill(top: TopBar, session: Session, workspace: Workspace) -> None:
    """Fill them from the workspace and the session."""
    run = session.run
    dataset = run.dataset.folder if run is not None else ""
    name = run.dataset.name if run is not None else ""
    datasets = [(_label(one), one.folder) for one in workspace.datasets]
    top.dataset.fill(datasets, dataset)
    runs = [(one.name, one.folder) for one in workspace.openable if not name or one.dataset == name]
    if run is not None and not any(Path(folder) == Path(run.folder) for _, folder in runs):
        runs.insert(0, (run.run, run.folder))
    top.run.fill(runs if run is not None else [], run.folder if run is not None else "")
    methods = [(method_name(method), method) for method in run.methods] if run is not None else []
    top.method.fill(methods, session.method)


def _label(dataset: DatasetEntry) -> str:
    """Made-up data is always called so."""
    synthetic = QCoreApplication.translate("Choosers", "{0} (synthetic)")
    return synthetic.format(dataset.name) if dataset.synthetic else dataset.name
