"""Export and copy as the window offers them: of the view in front, with what is known of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication

from app import exporting
from app.exporting import About
from app.i18n import joined
from app.method_names import method_name
from app.places import places

if TYPE_CHECKING:
    from app.window import Window

_OF_ONE = ("explore", "whatif", "compare")  # views that show one shopper and one product


def tr(text: str) -> str:
    return QCoreApplication.translate("Sending", text)


def name_of(window: Window) -> str:
    """What the window calls the view in front."""
    return next((place.text for place in places(window) if place.name == window.current), window.current)


def about(window: Window) -> About:
    """What the view in front shows."""
    session, run = window.session, window.session.run
    if run is None:
        return About(name_of(window))
    dataset = tr("{0} (synthetic)").format(run.dataset.name) if run.dataset.synthetic else run.dataset.name
    found = session.explanation
    if found is None or window.current not in _OF_ONE:
        return About(name_of(window), dataset, run.run)
    notes = window.notebook.texts(run.dataset.folder, product=found.item, shopper=found.user)
    return About(
        joined([name_of(window), found.title]), dataset, run.run, found.user, f"{found.title} ({found.item})",
        method_name(found.method), notes,
    )  # fmt: skip


def ask_export(window: Window) -> None:
    """Open the Export dialog for the view in front."""
    from app.views.export import ExportDialog

    view, run = window.view, window.session.run
    if view is None:
        return
    dialog = ExportDialog(
        view,
        name_of(window),
        about(window),
        window.session.engine,
        explanation=window.session.explanation,
        dataset=run.dataset.folder if run is not None else "",
        folder=window.remembered.settings.export_folder,
        form=window.remembered.settings.export_format,
        parent=window.frame,
    )
    dialog.saved.connect(partial(_saved, window, dialog))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()


def _saved(window: Window, dialog: object, file: str) -> None:
    from app.views.export import ExportDialog

    assert isinstance(dialog, ExportDialog)
    window.remembered.change(export_folder=dialog.folder, export_format=dialog.suffix)
    window.remark.say(tr("Saved {0}").format(Path(file).name), tr("Show in folder"), partial(show_in_folder, file))


def show_in_folder(file: str) -> None:
    """Open the folder of a file in the system's file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(file).parent)))


def copy_picture(window: Window) -> None:
    """Put the view in front on the clipboard, at twice its size."""
    if window.view is not None:
        QGuiApplication.clipboard().setMimeData(exporting.clip_picture(exporting.picture(window.view)))
        window.remark.say(tr("The picture of this view is on the clipboard."))


def copy_numbers(window: Window) -> None:
    """Put the numbers behind the view in front on the clipboard, for a spreadsheet."""
    tables = window.view.numbers() if window.view is not None else {}
    if not any(tables.values()):
        window.remark.say(tr("This view has no numbers to copy."))
        return
    QGuiApplication.clipboard().setMimeData(exporting.clip_tables(tables))
    window.remark.say(tr("The numbers of this view are on the clipboard."))


WAYS: dict[str, Callable[[Window], None]] = {
    "export": ask_export,
    "picture": copy_picture,
    "numbers": copy_numbers,
}
