"""What must not be passed on is named: copyleft, faulty versions, test tools, NVIDIA's libraries, two OpenMPs."""

import json
import sys
from pathlib import Path

import check_bundle
import inventory
import policy
import pytest

from tests.packaging.built import distribution


def found(site: Path, lock: dict[str, str] | None = None) -> list[str]:
    return list(check_bundle.problems(inventory.read(site), lock or {}))


@pytest.mark.parametrize(
    ("expression", "component", "good"),
    [
        ("MIT", "any", True),
        ("MIT OR GPL-2.0-only", "any", True),
        ("MIT AND GPL-2.0-only", "any", False),
        ("MIT AND (GPL-2.0-only OR Apache-2.0 WITH LLVM-exception)", "any", True),
        ("(MIT OR Apache-2.0) AND LGPL-3.0-only", "any", False),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", "libgomp", True),
        ("GPL-3.0-or-later WITH Classpath-exception-2.0", "any", False),
        ("LGPL-3.0-only OR GPL-2.0-only OR GPL-3.0-only", "pyside6-essentials", True),
        ("LGPL-3.0-only OR GPL-2.0-only OR GPL-3.0-only", "any", False),
        ("MPL-2.0", "certifi", True),
        ("MPL-2.0", "any", False),
        (policy.UNKNOWN, "any", False),
        ("", "any", False),
    ],
)
def test_an_expression_is_judged_by_its_choices_and_its_parts(expression: str, component: str, good: bool) -> None:
    assert policy.allowed(expression, component) is good


def test_a_clean_folder_has_no_problem(tmp_path: Path) -> None:
    distribution(tmp_path, "one", texts={}, files={"one/_c.so": ""}, License_Expression="MIT")
    distribution(
        tmp_path, "torch", "2.13.0+cpu", texts={}, files={"torch/lib/libgomp.so.1": ""}, License="BSD-3-Clause"
    )
    assert found(tmp_path, {"one": "1.0", "torch": "2.13.0+cpu"}) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "there").write_text("")
    for name in ("there", "gone"):
        (site / f"to-{name}").symlink_to(name)
    assert found(site) == ["a link that leads nowhere: to-gone"]


def test_packages_are_judged_by_licence_version_and_use(tmp_path: Path) -> None:
    distribution(tmp_path, "gnu", texts={}, License_Expression="GPL-3.0-or-later")
    distribution(tmp_path, "vague", texts={}, License="BSD License")
    distribution(tmp_path, "PySide6_Essentials", "6.12.0", texts={}, License="LGPL-3.0-only OR GPL-3.0-only")
    distribution(tmp_path, "lxt", texts={}, License_Expression="BSD-3-Clause")
    distribution(tmp_path, "pytest", "9.2.0", texts={}, License_Expression="MIT")
    lines = found(
        tmp_path, {"gnu": "1.1", "vague": "1.0", "pyside6-essentials": "6.12.0", "lxt": "1.0", "pytest": "9.2.0"}
    )
    assert [line.split(":")[0] for line in lines].count("licence") == 2
    assert "licence: gnu 1.0 is under GPL-3.0-or-later" in lines
    assert "licence: vague 1.0 is under LicenseRef-unknown" in lines
    assert "not as locked: gnu 1.0; the lock has 1.1" in lines
    assert "known bad: lxt 1.0: patent terms" in lines
    assert any(line.startswith("known bad: pyside6-essentials 6.12.0: ") for line in lines)
    assert "for tests or building only: pytest" in lines
    assert len(lines) == 6


def test_what_is_compiled_into_a_wheel_is_judged_too(tmp_path: Path) -> None:
    parts = [
        {"name": "good", "licenses": [{"expression": "MIT OR GPL-2.0-only"}]},
        {"name": "copyleft", "licenses": [{"license": {"id": "GPL-2.0-only"}}]},
        {"name": "left-out", "scope": "optional", "licenses": [{"license": {"id": "GPL-3.0-only"}}]},
    ]
    sbom = {"one-1.0.dist-info/sboms/one.cdx.json": json.dumps({"components": parts})}
    distribution(tmp_path, "one", texts={}, files=sbom, License_Expression="MIT")
    assert found(tmp_path) == ["licence: copyleft, compiled into one 1.0, is under GPL-2.0-only"]


def test_native_libraries_are_judged_by_what_they_are(tmp_path: Path) -> None:
    files = [
        "libreadline.so.8",
        "libstrange.so.1",
        "libssl.so.3",
        "lib-dynload/_ssl.so",
        "lib-dynload/readline.cpython.so",
    ]
    for name in files:
        path = tmp_path / "heedmap" / "_internal" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    mixed = {f"one.libs/{name}": "" for name in ("libcudart.1.so", "libgomp.1.so", "libiomp5.so", "libgfortran-1.so")}
    distribution(tmp_path / "site", "one", texts={}, files=mixed | {"one/__init__.py": ""}, License_Expression="MIT")
    for place in mixed:
        (tmp_path / "heedmap" / "_internal" / place).parent.mkdir(exist_ok=True)
        (tmp_path / "heedmap" / "_internal" / place).write_bytes(b"")
    folder = inventory.Inventory(tmp_path / "heedmap", tmp_path / "site")
    # As if they were packed into a program.
    folder.__dict__["packed_modules"] = {"app.session", "json.decoder", "one.part", "pyi_rth_inspect", "stray.module"}
    assert list(check_bundle.problems(folder, {})) == [
        "licence: lib-dynload/readline.cpython.so is readline, under GPL-3.0-or-later",
        "licence: libreadline.so.8 is readline, under GPL-3.0-or-later",
        "licence: libstrange.so.1 is of no package; say what it is in policy.toml, or leave it out",
        "licence: one.libs/libcudart.1.so is NVIDIA's, and this is not the CUDA flavour: leave it out",
        "module stray is of no package",
        "OpenMP of GNU and Intel in one program",
    ]


def test_packages_that_share_a_folder_are_told_apart_by_their_files(tmp_path: Path) -> None:
    site, inner = tmp_path / "site", tmp_path / "heedmap" / "_internal"
    for name, file in {
        "blas": "nvidia/blas/libblas.so",
        "fft": "nvidia/fft/libfft.so",
        "profiler": "nvidia/p.so",
    }.items():
        distribution(site, name, texts={}, files={file: ""}, License_Expression="MIT")
    for name in ("alpha", "beta"):
        distribution(site, name, texts={}, files={f"shared/{name}/part.py": ""}, License_Expression="MIT")
    for file in ("blas/libblas.so", "fft/libfft.so"):
        (inner / "nvidia" / file).parent.mkdir(parents=True)
        (inner / "nvidia" / file).write_bytes(b"")
    folder = inventory.Inventory(tmp_path / "heedmap", site)
    folder.__dict__["packed_modules"] = {"shared.beta.part"}
    assert list(folder.distributions) == ["beta", "blas", "fft"]
    assert list(check_bundle.problems(folder, {})) == []


def test_on_windows_python_brings_its_own_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python" / "DLLs").mkdir(parents=True)
    (tmp_path / "site").mkdir()
    inner = tmp_path / "heedmap" / "_internal"
    inner.mkdir(parents=True)
    for name in ("python/DLLs/libssl-3.dll", "python/VCRUNTIME140.dll"):
        (tmp_path / name).write_bytes(b"")
    for name in ("libssl-3.dll", "VCRUNTIME140.dll", "strange.dll", "python311.dll"):
        (inner / name).write_bytes(b"")
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path / "python"))
    folder = inventory.Inventory(tmp_path / "heedmap", tmp_path / "site")
    owners = {library.path.name: library.owner for library in folder.libraries}
    python = dict.fromkeys(("libssl-3.dll", "VCRUNTIME140.dll", "python311.dll"), "python")
    assert owners == {**python, "strange.dll": ""}


def test_the_command_fails_when_there_is_a_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    distribution(tmp_path / "site", "one", texts={}, License_Expression="MIT")
    lock = tmp_path / "lock.txt"
    lock.write_text("# head\none==1.0 \\\n    --hash=sha256:00\n", encoding="utf-8")
    assert check_bundle.main([str(tmp_path / "site"), "--lock", str(lock)]) == 0
    lock.write_text("one===2.0 \\\n    --hash=sha256:00\n", encoding="utf-8")
    assert check_bundle.main([str(tmp_path / "site"), "--lock", str(lock)]) == 1
    assert "not as locked: one 1.0; the lock has 2.0" in capsys.readouterr().out
