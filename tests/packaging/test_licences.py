"""Every component's licence texts are found, each once, and a component without one is refused."""

import json
import shutil
import sysconfig
from pathlib import Path

import check_bundle
import inventory
import licences
import lock
import policy
import pytest

from tests.packaging.built import distribution

MIT = "MIT License\n\nCopyright (c) A. Person\n"


def collect(site: Path, out: Path) -> dict[str, licences.Entry]:
    return {entry.name: entry for entry in licences.collect(inventory.read(site), out)}


def test_texts_and_licences_json_say_the_same(tmp_path: Path) -> None:
    site, out = tmp_path / "site", tmp_path / "out"
    page = "Homepage, https://example.org/one"
    distribution(site, "One-Thing", texts={"LICENSE": MIT}, License_Expression="MIT", Project_URL=page)
    many = {f"third_party/p{n}/LICENSE": f"licence of part {n}\n" for n in range(6)} | {"LICENSE": "its own\n"}
    distribution(site, "many", texts=many, License_Expression="BSD-3-Clause")
    collect(site, out)
    packages = json.loads((out / "licences.json").read_text(encoding="utf-8"))["packages"]
    assert packages[1] == {
        "name": "One-Thing", "version": "1.0", "kind": "python", "licence": "MIT", "homepage": "https://example.org/one",
        "texts": ["one-thing-1.txt"],
    }  # fmt: skip
    assert (out / "one-thing-1.txt").read_text(encoding="utf-8") == MIT
    assert packages[0]["texts"] == ["many-1.txt", "many-2.txt"]
    assert (out / "many-1.txt").read_text(encoding="utf-8") == "its own\n"
    rest = (out / "many-2.txt").read_text(encoding="utf-8")
    assert all(f"third_party/p{n}/LICENSE" in rest and f"licence of part {n}\n" in rest for n in range(6))


def test_the_same_text_stands_once_and_old_wheels_are_read_too(tmp_path: Path) -> None:
    site = tmp_path / "site"
    distribution(
        site, "twice", texts={"LICENSE": MIT}, files={"twice/COPYING": MIT.replace("\n\n", "\n"), "twice/a.py": ""}
    )
    distribution(site, "old", texts={}, files={"old-1.0.dist-info/LICENSE.txt": "old text"}, License="MIT")
    found = collect(site, tmp_path / "out")
    assert found["twice"].texts == ["twice-1.txt"]
    assert found["old"].texts == ["old-1.txt"]
    assert (found["old"].licence, found["twice"].licence) == ("MIT", policy.UNKNOWN)


def test_a_package_without_any_text_is_refused(tmp_path: Path) -> None:
    distribution(tmp_path / "site", "silent", texts={}, License_Expression="MIT")
    with pytest.raises(SystemExit, match="No licence text found for: silent"):
        collect(tmp_path / "site", tmp_path / "out")


def test_qt_comes_with_the_lgpl_and_how_to_replace_it(tmp_path: Path) -> None:
    site, out = tmp_path / "site", tmp_path / "out"
    distribution(site, "PySide6_Essentials", "6.11.2", texts={}, License="LGPL-3.0-only OR GPL-3.0-only")
    found = collect(site, out)
    assert found["Qt"].version == "6.11.2"
    texts = [(out / name).read_text(encoding="utf-8") for name in found["Qt"].texts]
    assert "You may replace them" in texts[0]
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in texts[1]
    assert "GNU GENERAL PUBLIC LICENSE" in texts[2]
    assert found["PySide6_Essentials"].texts


def test_an_earlier_run_is_replaced_and_heedmaps_own_licence_stays(tmp_path: Path) -> None:
    site, out = tmp_path / "site", tmp_path / "out"
    distribution(site, "heedmap", texts={"LICENSE": "ours"}, License_Expression="Apache-2.0")
    distribution(site, "one", texts={"LICENSE": MIT}, License_Expression="MIT")
    (out / "heedmap").mkdir(parents=True)
    (out / "heedmap" / "LICENSE").write_text("ours", encoding="utf-8")
    assert collect(site, out).keys() == {"one"}
    distribution(site, "two", texts={"LICENSE": "two"}, License_Expression="MIT")
    shutil.rmtree(site / "one-1.0.dist-info")
    assert collect(site, out).keys() == {"two"}
    assert sorted(path.name for path in out.iterdir()) == ["heedmap", "licences.json", "two-1.txt"]


def test_another_licence_folder_is_not_overwritten(tmp_path: Path) -> None:
    distribution(tmp_path / "site", "one", texts={"LICENSE": MIT}, License_Expression="MIT")
    (tmp_path / "mine").write_text("")
    with pytest.raises(SystemExit, match="files of something else"):
        licences.main([str(tmp_path / "site"), str(tmp_path)])
    assert (tmp_path / "mine").exists()


def test_every_package_that_is_bundled_has_a_text_and_an_allowed_licence() -> None:
    here = inventory.read(Path(sysconfig.get_path("purelib")))
    bundled = check_bundle.read_lock(lock.LOCKS / "linux-cpu.txt").keys() & here.installed.keys()
    assert len(bundled) > 60
    for name in sorted(bundled):
        one = here.installed[name]
        assert policy.allowed(policy.licence(one), name), (name, policy.licence(one))
        assert licences.texts_of(name, one, here), name
