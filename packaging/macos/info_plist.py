"""What macOS is told about the program: packaging/heedmap.spec puts `info_plist()` into Heedmap.app.

UNTESTED until someone builds it on a Mac; see packaging/README.md.
"""

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BUNDLE_ID = "local.heedmap.heedmap"  # as the Linux metadata name it: .local is nobody's domain
WORKSPACE_TYPE, AUDIT_TYPE = "local.heedmap.workspace", "local.heedmap.audit"
OLDEST = "14.0"  # what packaging/lock/macos.txt was resolved for


def version() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def info_plist() -> dict[str, Any]:
    """The keys that PyInstaller does not write by itself."""
    return {
        "CFBundleIdentifier": BUNDLE_ID,
        "CFBundleName": "Heedmap",
        "CFBundleDisplayName": "Heedmap",
        "CFBundleShortVersionString": version(),
        "CFBundleVersion": version(),
        "CFBundleDevelopmentRegion": "en",
        "CFBundleLocalizations": ["en", "zh-Hans"],
        "CFBundleAllowMixedLocalizations": True,
        "LSMinimumSystemVersion": OLDEST,
        "LSArchitecturePriority": ["arm64"],
        "LSApplicationCategoryType": "public.app-category.business",
        "NSHumanReadableCopyright": "The Heedmap authors. Apache License 2.0.",
        "LSBackgroundOnly": False,  # PyInstaller takes a program with a standard output for one without a window
        "NSHighResolutionCapable": True,
        "NSRequiresAquaSystemAppearance": False,  # it follows the system into the dark
        "NSSupportsAutomaticGraphicsSwitching": True,
        "UTExportedTypeDeclarations": [
            _type(
                WORKSPACE_TYPE, "Heedmap workspace", "heedmap", "application/vnd.heedmap.workspace+json", "public.json"
            ),
            _type(
                AUDIT_TYPE, "Heedmap audit bundle", "heedaudit", "application/vnd.heedmap.audit+zip",
                "com.pkware.zip-archive",
            ),
        ],
        "CFBundleDocumentTypes": [
            _document("Heedmap workspace", WORKSPACE_TYPE, "Editor", "Owner", "workspace.icns"),
            _document("Heedmap audit bundle", AUDIT_TYPE, "Viewer", "Owner", "audit.icns"),
            # A workspace, a run and a bundle are folders too: these can be dropped on the icon in the Dock.
            _document("Folder", "public.folder", "Viewer", "None", None),
        ],
    }  # fmt: skip


def _type(name: str, text: str, suffix: str, mime: str, kind: str) -> dict[str, Any]:
    return {
        "UTTypeIdentifier": name,
        "UTTypeDescription": text,
        "UTTypeConformsTo": [kind],
        "UTTypeTagSpecification": {"public.filename-extension": [suffix], "public.mime-type": [mime]},
    }


def _document(text: str, name: str, role: str, rank: str, icon: str | None) -> dict[str, Any]:
    document: dict[str, Any] = {
        "CFBundleTypeName": text,
        "LSItemContentTypes": [name],
        "CFBundleTypeRole": role,
        "LSHandlerRank": rank,
    }
    return document | ({"CFBundleTypeIconFile": icon} if icon else {})
