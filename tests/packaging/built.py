"""Small site-packages and frozen folders to try the scripts on."""

from pathlib import Path


def distribution(
    site: Path,
    name: str,
    version: str = "1.0",
    *,
    files: dict[str, str] | None = None,
    texts: dict[str, str],
    **fields: str,
) -> None:
    """Lay out an installed distribution: its metadata, `files` and licence `texts`."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    meta = [f"{key.replace('_', '-')}: {value}" for key, value in fields.items()]
    written = {
        f"{info}/METADATA": "\n".join(["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *meta, ""])
    }
    written |= {f"{info}/licenses/{file}": text for file, text in texts.items()} | (files or {})
    written[f"{info}/RECORD"] = "".join(f"{place},,\n" for place in [*written, f"{info}/RECORD"])
    for place, text in written.items():
        path = site / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
