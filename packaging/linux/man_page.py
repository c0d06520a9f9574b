"""The manual page, from what the command line offers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from command_line import Command, Option

DESCRIPTION = """\
Heedmap shows what a product recommender heeds.
It opens a shop's data, trains a recommender on this computer, and lays heatmaps over product photos, review words,
attributes and the shopper's history: all linked, all adding up to the score, each with a measured grade of how far it
can be trusted.
.PP
Without a command the window opens: on the workspace, run folder or audit bundle given as PATH, or on the workspace open
last.
With a command it works without a screen.
No network connection is ever opened."""

EXAMPLES = (
    ("Draw a synthetic shop, train on it, and look at it:", "heedmap sample shop/datasets/sample"),
    ("", "heedmap train shop/datasets/sample --run shop/runs/first"),
    ("", "heedmap shop/runs/first"),
    ("Why is the first product shown to the first shopper?", "heedmap explain shop/runs/first --out why.html"),
    ("Check an audit that somebody sent:", "heedmap verify shop.heedaudit"),
)

STATUS = (
    ("0", "Done."),
    ("1", "A fault in Heedmap; what was printed says where."),
    ("2", "Something given is missing or cannot be read; one line says what, and how to mend it."),
    ("130", "Cancelled. What was written before is still valid."),
)

FILES = (
    ("*.heedmap", "Marks a folder as a workspace; opening it opens the folder."),
    ("*.heedaudit", "A signed audit bundle: a zip file that \\fBheedmap verify\\fR checks."),
    ("~/.config/heedmap", "Settings of the window."),
    ("~/.local/state/heedmap", "Logs. They stay on this computer."),
)


def man_page(commands: Iterable[Command], version: str, date: str) -> str:
    """heedmap(1) as troff. date: such as 2026-11-22."""
    window, *others = commands
    lines = [
        f'.TH HEEDMAP 1 {date} "Heedmap {version}" "User Commands"',
        ".SH NAME",
        "heedmap \\- see what a product recommender heeds",
        ".SH SYNOPSIS",
        f".B heedmap\n{_text(window.usage)}",
        ".br",
        ".B heedmap\n.I COMMAND\n[options]",
        ".SH DESCRIPTION",
        DESCRIPTION,
        ".SH OPTIONS OF THE WINDOW",
        *_options(window),
        ".SH COMMANDS",
        "Every command also takes",
        ".BR \\-\\-help ,",
        "and",
        ".BR \\-\\-json ,",
        "which prints its answer as JSON.",
    ]
    for command in others:
        lines += [
            f".SS {_text(command.name)}",
            _line(command.help),
            ".PP",
            f".B heedmap {_text(command.name)}\n{_text(command.usage.removeprefix('[-h] [--json]').strip())}",
            *_options(command),
        ]
    lines += [".SH EXIT STATUS", *_listed(STATUS), ".SH FILES", *_listed(FILES), ".SH EXAMPLES"]
    for text, example in EXAMPLES:
        lines += [*([".PP", text] if text else []), ".PP", ".RS 4", ".EX", _text(example), ".EE", ".RE"]
    return "\n".join(lines) + "\n"


def _options(command: Command) -> Iterator[str]:
    for one in (*command.arguments, *command.options):
        if "--help" not in one.names and "--json" not in one.names:
            yield from (".TP", _head(one), _line(one.help))


def _head(one: Option) -> str:
    names = ", ".join(f"\\fB{_text(name)}\\fR" for name in one.names)
    value = f"\\fI{_text(one.metavar)}\\fR" if one.metavar else ""
    return f"{names} {f'[{value}]' if one.optional and one.names else value}".strip()


def _listed(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for head, text in pairs:
        yield from (".TP", f"\\fB{_text(head)}\\fR", text)


def _line(text: str) -> str:
    """A line of text, and none that troff would take for a request."""
    return ("\\&" if text[:1] in {".", "'"} else "") + _text(text)


def _text(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti")
