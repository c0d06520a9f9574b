"""What a machine remembers between two starts: theme, language, workspace, where exports go. One small JSON file."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

import platformdirs

from engine.errors import HeedmapError
from engine.files import read_json, write_json
from engine.versions import current, forward, version_of

NAME = "heedmap"


@dataclass(frozen=True)
class Settings:
    theme: str = "system"  # a key of app.theme.THEMES or "system"
    heat: str = "blue-orange"  # a key of app.colour_maps.COLOUR_MAPS
    language: str = "system"  # a key of app.i18n.LANGUAGES or "system"
    workspace: str = ""
    export_folder: str = ""
    export_format: str = ""
    tour: str = ""  # "seen" once the first look around was taken or skipped


def settings_path() -> Path:
    """$HEEDMAP_CONFIG, or the system's place for settings."""
    folder = os.environ.get("HEEDMAP_CONFIG") or platformdirs.user_config_dir(NAME, appauthor=False)
    return Path(folder) / "settings.json"


def load(path: Path) -> Settings:
    """Read the settings; what is missing or damaged has its default, and all has where a newer program wrote them."""
    try:
        content = forward("settings", read_json(path), path)
    except (HeedmapError, OSError):
        return Settings()
    known = {field.name for field in fields(Settings)}
    return Settings(**{key: value for key, value in content.items() if key in known and isinstance(value, str)})


def save(settings: Settings, path: Path) -> None:
    """Write the settings. HeedmapError when the place cannot be written."""
    write_json(path, {"version": current("settings"), **asdict(settings)})


def keep_others(path: Path) -> str:
    """Keep settings of another version before they are written over: older ones in a backup beside them, those of a
    newer program under another name. Returns that name, "" where there are none."""
    try:
        content = read_json(path)
        version = version_of("settings", content, path)
        if version < current("settings"):
            from engine.backups import back_up  # only then: it is not needed for the first frame

            back_up(path.parent, "settings", version, (path,))
            write_json(path, forward("settings", content, path))
        elif version > current("settings"):
            aside = path.with_name(f"settings.newer-{datetime.now(UTC):%Y%m%d-%H%M%S}.json")
            path.replace(aside)
            return aside.name
    except (HeedmapError, OSError):
        pass  # there are none, or nothing can be written here
    return ""


def default_workspace() -> Path:
    """$HEEDMAP_WORKSPACE, or the system's place for a user's data."""
    given = os.environ.get("HEEDMAP_WORKSPACE")
    return Path(given) if given else Path(platformdirs.user_data_dir(NAME, appauthor=False))


def audit_notes(workspace: Path) -> Path:
    """Where an auditor's notes on a read-only workspace lie; never in the default workspace, which is user data too."""
    name = hashlib.sha256(str(workspace.resolve()).encode()).hexdigest()[:8]
    folder = platformdirs.user_data_dir(f"{NAME}-audit-notes", appauthor=False)
    return Path(folder) / f"{workspace.resolve().name}-{name}.json"


def log_folder() -> Path:
    """$HEEDMAP_LOG, or the system's place for a user's logs."""
    given = os.environ.get("HEEDMAP_LOG")
    return Path(given) if given else Path(platformdirs.user_log_dir(NAME, appauthor=False))
