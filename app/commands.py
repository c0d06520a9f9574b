"""What the window offers to do: its actions, what the palette finds, the question before it closes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QMessageBox, QWidget

from app.actions import Action, perform
from app.batch import Task
from app.i18n import LANGUAGES
from app.palette import Column, Entry, again, search
from app.places import RULES, places
from app.read_only import WRITING
from app.reasons import no_run
from app.theme import ICONS
from engine.files import is_read_only
from engine.notes import Kind, Note

if TYPE_CHECKING:
    from app.views.tour import Stop
    from app.window import Window


def tr(text: str) -> str:
    return QCoreApplication.translate("Commands", text)


def offered(window: Window) -> list[Action]:
    """Every action, in the order of the menu, in the language in force."""

    def go(place: str) -> Callable[[], None]:
        return lambda: window.show_view(place)

    def theme(choice: str) -> Callable[[], None]:
        return lambda: window.choose_theme(choice)

    def tongue(choice: str) -> Callable[[], None]:
        return lambda: window.choose_language(choice)

    def send(what: str) -> Callable[[], None]:
        def act() -> None:
            from app.sending import WAYS  # with what draws and packs files: not before it is wanted

            WAYS[what](window)

        return act

    def rules() -> None:
        if window.session.rules.book.rules and not is_read_only(window.workspace.folder):
            window.session.rules.switch()
        else:
            window.show_view(RULES)

    def on() -> bool:
        return bool(window.session.rules.active)

    def no_undo() -> str:
        return "" if window.session.undo.canUndo() else tr("There is nothing to undo.")

    def no_redo() -> str:
        return "" if window.session.undo.canRedo() else tr("There is nothing to redo.")

    def no_rules() -> str:
        at_rules = window.current == RULES and not window.session.rules.book.rules
        return tr("There is no rule yet: add one first.") if at_rules else ""

    def no_sample() -> str:
        under_way = any(task.kind in ("sample", "train") for task in window.batch.tasks.values())
        return tr("A training is under way; its progress stands below.") if under_way else ""

    def note(kind: Kind) -> Callable[[], None]:
        def act() -> None:
            from app.views.notes import open_note

            open_note(window, kind)

        return act

    def about() -> None:
        from app.about import show_about

        show_about(window.status.device, window.frame)

    check = window.check
    return [
        *(
            Action(
                place.name, place.text, go(place.name), f"Ctrl+{number}", place.icon, "views",
                lambda name=place.name: window.current == name,  # type: ignore[misc]
            )
            for number, place in enumerate(places(window), start=1)
        ),
        Action("find", tr("Find anything"), window.focus_search, "Ctrl+K", "search", "views"),
        Action("undo", tr("Undo"), window.session.undo.undo, "Ctrl+Z", "undo", "edit", why_not=no_undo),
        Action("redo", tr("Redo"), window.session.undo.redo, "Ctrl+Shift+Z", "redo", "edit", why_not=no_redo),
        Action("rules-on", tr("Business rules on or off"), rules, "Ctrl+Shift+B", "rules", "edit", on, no_rules),
        Action("note-product", tr("Note on this product"), note("product"), "Ctrl+Alt+N", "note", "edit"),
        Action("note-shopper", tr("Note on this shopper"), note("shopper"), "Ctrl+Alt+Shift+N", "note", "edit"),
        Action("export", tr("Export…"), send("export"), "Ctrl+E", "export", "send"),
        Action("copy-picture", tr("Copy the picture"), send("picture"), "Ctrl+Shift+C", "copy", "send"),
        Action("copy-numbers", tr("Copy the numbers"), send("numbers"), "Ctrl+Alt+C", "copy", "send"),
        Action("open", tr("Open a workspace…"), window.ask_workspace, "Ctrl+O", "folder"),
        Action("open-run", tr("Open a run…"), window.ask_run, "Ctrl+Shift+O", "run"),
        Action("import", tr("Import data…"), window.ask_import, "Ctrl+I", "import"),
        Action(
            "sample", tr("Make the sample and train on it"), window.tasks.make_sample, "", "sample", why_not=no_sample
        ),
        Action("reload", tr("Read the workspace again"), window.workspace.refresh, "F5", "refresh"),
        *(
            Action(
                f"theme-{choice}", text, theme(choice), "", "", "theme",
                lambda choice=choice: window.themes.choice == choice,  # type: ignore[misc]
            )
            for choice, text in (
                ("light", tr("Light theme")),
                ("dark", tr("Dark theme")),
                ("contrast", tr("High contrast")),
                ("system", tr("Theme of the system")),
            )
        ),
        *(
            Action(
                f"language-{choice}", name, tongue(choice), "", "", "language",
                lambda choice=choice: window.languages.language == choice,  # type: ignore[misc]
            )
            for choice, name in LANGUAGES.items()
        ),
        Action(
            "toggle-theme", tr("Switch between light and dark"), window.toggle_theme, "Ctrl+D", "theme", "theme"
        ),
        Action("help", tr("Help on this view"), window.toggle_help, "F1", "help", "help"),
        Action("tour", tr("Take the tour"), window.start_tour, "", "tour", "help", why_not=no_run(window.session)),
        *([Action("check", tr("Check this installation…"), check, "", "", "help")] if check is not None else []),
        Action("about", tr("About Heedmap"), about, "", "", "help"),
        Action("quit", tr("Quit"), window.quit, "Ctrl+Q", "quit", "quit"),
    ]  # fmt: skip


def icon_of(action: Action) -> str:
    """Its own icon, its group's, or that of any command."""
    named = action.icon or action.group
    return named if (ICONS / f"{named}.svg").is_file() else "command"


def entry_of(window: Window, action: Action) -> Entry:
    """An action in the palette: with its keys, or with why it can do nothing now."""
    reason = action.why_not()
    note = reason or action.shortcut.replace("+", " ").replace("  ", " +")  # the key may be a plus itself
    return Entry(action.text, note, icon_of(action), lambda: perform(action, window.remark.say), not reason)


def find(window: Window, query: str) -> list[Entry]:
    """What the palette shows for a query: actions, runs, shoppers and products."""
    locked = is_read_only(window.workspace.folder)
    commands = [
        entry_of(window, action)
        for action in [*(window.view.offers() if window.view else []), *window.answers, *offered(window)]
        if action.id != "find" and not (locked and action.id in WRITING)
    ]
    columns = [
        Column(
            "run", tr("run"), [run.name for run in window.workspace.openable],
            lambda place: window.open_run(window.workspace.openable[place].folder),
        ),
    ]  # fmt: skip
    run = window.session.run

    def show(found: Note) -> None:
        from app.views.notes import open_note

        window.go(**{"item" if found.kind == "product" else "user": found.key})
        open_note(window, found.kind)

    if run is not None:
        columns += [
            Column("shopper", tr("shopper"), run.shoppers.user, lambda p: window.go(user=run.shoppers.user[p])),
            Column("product", tr("product"), run.items.title, lambda p: window.go(item=run.items.item[p])),
        ]
        notes = window.notebook.of(run.dataset.folder)
        columns.append(
            Column("note", tr("note"), [" ".join(one.text.split()) for one in notes], lambda p: show(notes[p]))
        )
    return search(query, commands, columns) if query.strip() else again(window.recent, commands, columns)


def stops(window: Window) -> list[Stop]:
    """The four places of the tour."""
    from app.views.explore import ExploreView
    from app.views.tour import Stop

    def place(name: str) -> Callable[[], QWidget | None]:
        view = window.view
        return lambda: getattr(view, name) if isinstance(view, ExploreView) else None

    return [
        Stop(
            place("shoppers"), tr("Choose a shopper"),
            tr("Everything starts with one person. What they had before stands at the top of the window."),
        ),
        Stop(
            place("ranked"), tr("See what the model shows them"),
            tr("The whole catalogue, best first. The coloured bar is the score, part by part: photo, words, past "
               "choices."),
        ),
        Stop(
            place("product"), tr("Look at the reasons"),
            tr("Orange pushes up, blue pulls down. Point at anything to light its counterparts; drag over cells or "
               "words and press Delete to see the true rank without them."),
        ),
        Stop(
            place("sum"), tr("Know how far to trust them"),
            tr("The parts sum to the score, exactly. The grade says how true the map is, measured against random "
               "order."),
        ),
    ]  # fmt: skip


def may_stop(window: QWidget, task: Task) -> bool:
    """Ask whether a job that is under way may be stopped with the window."""
    box = QMessageBox(window)
    box.setWindowTitle("Heedmap")
    box.setText(tr("{0} is not done.").format(task.title))
    box.setInformativeText(
        tr("It stops with the window. A training goes on later from its last finished epoch.")
        if task.kind == "train"
        else tr("It stops with the window and starts anew next time.")
    )
    leave = box.addButton(tr("Stop and close"), QMessageBox.ButtonRole.AcceptRole)
    stay = box.addButton(tr("Keep it running"), QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(stay)
    box.setEscapeButton(stay)
    box.exec()
    return box.clickedButton() is leave
