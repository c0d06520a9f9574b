"""Languages: English in the source, other languages and plural forms in resources/translations/<language>/*.json.

The files of a language, one for each part of the window, make one table. A file maps a source text to its
translation, or to {context: translation} where one English text needs several. A text with "%n" is a count:
`self.tr("%n purchase(s)", "", count)`; its translation may be [one, other].
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QObject, QTranslator

from engine.errors import HeedmapError
from engine.files import read_json

TRANSLATIONS = Path(__file__).resolve().parent.parent / "resources" / "translations"
LANGUAGES = {"en": "English", "zh_CN": "简体中文"}
# Stages of jobs that name something, the longer beginning first; every other stage is a text of its own.
OPEN_STAGES = ("Fitting {0}", "Measuring on {0}", "Measuring without {0}", "Measuring {0}", "Reading {0}")


def system_language() -> str:
    """The language of the desktop, where there is a translation, else English."""
    for name in QLocale.system().uiLanguages():
        if name.lower().startswith("zh") and "hant" not in name.lower():
            return "zh_CN"
        if name.lower().startswith("en"):
            return "en"
    return "en"


def locale_of(language: str) -> QLocale:
    """How dates and numbers are written: in English as in the desktop's country, where numbers have the signs that the
    window writes too; else as usual in the language."""
    usual, own = QLocale(language), QLocale(QLocale.system().name())
    english = own.language() == usual.language() == QLocale.Language.English
    signs = [(one.decimalPoint(), one.groupSeparator()) for one in (usual, own)]
    return own if english and signs[0] == signs[1] else usual


def read_translations(language: str) -> dict[str, str | list[str] | dict[str, str]]:
    """The texts of one language. HeedmapError when a file is damaged."""
    texts: dict[str, str | list[str] | dict[str, str]] = {}
    for file in sorted((TRANSLATIONS / language).glob("*.json")):
        content = read_json(file)
        if not isinstance(content, dict):
            raise HeedmapError(f"{file} is not a table of texts.", "Install Heedmap again.")
        texts |= content
    return texts


class JsonTranslator(QTranslator):
    """Answers Qt's `tr` from a table; a text that is missing stays as it is in the source."""

    def __init__(self, language: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.which = language
        self._texts = read_translations(language)

    def isEmpty(self) -> bool:
        return False

    def translate(self, context: str, source: str, disambiguation: str | None = None, n: int = -1) -> str:
        found = self._texts.get(source)
        if found is None:  # at once: Qt asks for a text of a view once for each class that the view is of
            return None  # type: ignore[return-value]
        if isinstance(found, dict):
            found = found.get(context)
        if isinstance(found, list):
            found = found[0] if n == 1 else found[-1]
        if n >= 1000 and found is not None:
            found = found.replace("%n", "%Ln")  # with the signs between thousands that every other number has
        return found  # type: ignore[return-value]  # None, and only None, lets Qt go on to the next context


class LanguageSource:
    """The language in force. Widgets made after `choose` speak it."""

    def __init__(self, choice: str = "system") -> None:
        self._translator: JsonTranslator | None = None
        self._qt: QTranslator | None = None  # what Qt itself says, as in a dialog that asks for a file
        self.language = "en"
        self.choose(choice)

    def choose(self, choice: str) -> None:
        """Choose a key of LANGUAGES, or "system"."""
        self.language = choice if choice in LANGUAGES else system_language()
        self.remove()
        qt = QTranslator()
        if qt.load(f"qtbase_{self.language}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
            self._qt = qt
            QCoreApplication.installTranslator(qt)
        self._translator = JsonTranslator(self.language)
        QCoreApplication.installTranslator(self._translator)  # asked before the one of Qt
        QLocale.setDefault(locale_of(self.language))

    def remove(self) -> None:
        for one in (self._translator, self._qt):
            if one is not None:
                QCoreApplication.removeTranslator(one)
        self._translator = self._qt = None


def stage_text(stage: str) -> str:
    """What a job is doing, in the user's language: "Fitting EASE" is shown as the translation of "Fitting {0}"."""
    whole = QCoreApplication.translate("Stage", stage)
    if whole != stage:
        return whole
    for template in OPEN_STAGES:
        beginning = template.removesuffix("{0}")
        if stage.startswith(beginning):
            thing = QCoreApplication.translate("Stage", stage.removeprefix(beginning))
            return QCoreApplication.translate("Stage", template).format(thing)
    return _check_title(stage)


def _check_title(stage: str) -> str:
    """An audit names the check that it is at by its English title."""
    from engine.audit.texts import LANGUAGES as SPOKEN
    from engine.audit.texts import texts

    name = QLocale().name()
    if name not in SPOKEN or name == "en":
        return stage
    check = next((key for key, one in texts("en").items() if one.get("title") == stage), None)
    return str(texts(name)[check]["title"]) if check is not None else stage


def joined(parts: Sequence[str]) -> str:
    """Short facts on one line, as in "12 purchases · sport"."""
    return " · ".join(part for part in parts if part)


def duration(seconds: float) -> str:
    """Time left, rounded to what a person plans with."""

    def tr(text: str, count: int) -> str:
        return QCoreApplication.translate("Duration", text, None, count)

    if seconds < 60:
        return tr("%n s left", max(round(seconds), 1))
    if seconds < 3600 * 1.5:
        return tr("%n min left", round(seconds / 60))
    return tr("%n h left", round(seconds / 3600))
