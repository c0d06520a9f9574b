"""What a machine remembers between two starts: theme, language, workspace, where exports go. One small JSON file."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import platformdirs

from engine.errors import HeedmapError
from engine.files import read_json, write_json

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
    """Read the settings; what is missing or damaged has its default."""
    try:
        content = read_json(path)
    except (HeedmapError, OSError):
        return Settings()
    if not isinstance(content, dict):
        return Settings()
    known = {field.name for field in fields(Settings)}
    return Settings(**{key: value for key, value in content.items() if key in known and isinstance(value, str)})


def save(settings: Settings, path: Path) -> None:
    """Write the settings. HeedmapError when the place cannot be written."""
    write_json(path, asdict(settings))


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
