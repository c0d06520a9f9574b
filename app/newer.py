"""What the window says of files that another version made: a newer workspace at the start, one brought forward."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox

from app.fault_text import fault_text
from app.i18n import LanguageSource
from app.settings import Settings
from app.theme import Theme, ThemeSource, dress, ui_font
from engine.errors import HeedmapError
from engine.workspace import refuse_newer

if TYPE_CHECKING:
    from app.window import Window
    from engine.workspace import WorkspaceSummary


LOOKED_AT = 30  # seconds that a remark stays at the start: the window still fills


def tr(text: str) -> str:
    return QCoreApplication.translate("Newer", text)


def workspace_to_start_with(folder: Path, run: str, settings: Settings) -> tuple[Path, str] | None:
    """The workspace and the run to open. Where a newer program made the workspace, the user is asked for another one:
    None to quit."""
    try:
        refuse_newer(folder)
    except HeedmapError as error:
        languages = LanguageSource(settings.language)  # before the window has one, as the looks
        _dress(ThemeSource(settings.theme).theme)
        other = _ask(error, folder)
        languages.remove()
        return workspace_to_start_with(other, "", settings) if other is not None else None
    return folder, run


def _dress(theme: Theme) -> None:
    application = QApplication.instance()
    if isinstance(application, QApplication):
        application.setFont(ui_font())
        dress(application, theme)


def _ask(error: HeedmapError, folder: Path) -> Path | None:
    box = QMessageBox()
    box.setIcon(QMessageBox.Icon.Warning)
    box.setWindowTitle("Heedmap")
    box.setText(fault_text(error.message))
    box.setInformativeText(fault_text(error.hint))
    choose = box.addButton(tr("Open another workspace…"), QMessageBox.ButtonRole.AcceptRole)
    box.addButton(tr("Quit"), QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(choose)
    box.exec()
    if box.clickedButton() is not choose:
        return None
    chosen = QFileDialog.getExistingDirectory(None, tr("Open a workspace"), str(folder.parent))
    return Path(chosen) if chosen else None


def tell_settings_kept(window: Window, aside: str) -> None:
    """Say in a window that is there that settings of a newer program were kept under the name `aside`."""
    said = tr("The settings are of a newer Heedmap. They were kept as {0}; these are new.")
    window.remark.say(said.format(aside), seconds=LOOKED_AT)


def tell_forward(window: Window, summary: WorkspaceSummary) -> None:
    """Say that a workspace was just brought forward, and where its files are as they were; or why it was not."""
    from app.sending import show_in_folder  # after the first frame

    if summary.not_forward:
        said = tr("This workspace is of an older Heedmap and could not be brought forward. It is used as it is.")
        window.banner.say(said, summary.not_forward)
    elif summary.backups:
        said = tr("This workspace was brought forward to this version of Heedmap. A backup is in its folder {0}.")
        window.remark.say(
            said.format(Path(summary.backups[0]).parent.name),
            tr("Open folder"),
            lambda: show_in_folder(summary.backups[0]),
            seconds=LOOKED_AT,
        )
