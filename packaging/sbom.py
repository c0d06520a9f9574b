"""Writes the software bill of materials of a built folder: CycloneDX 1.6, JSON.

    python packaging/sbom.py FOLDER OUT.cdx.json --lock packaging/lock/linux-cpu.txt [--environment SITE_PACKAGES]

The same folder gives the same bytes: the serial number comes from the content, and the time from SOURCE_DATE_EPOCH
(without it no time is written).
"""

import argparse
import hashlib
import json
import os
import platform
import re
import sys
import tomllib
import uuid
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote

import inventory
import licences
import lock
import policy
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
Component = dict[str, Any]


def bill(folder: inventory.Inventory, hashes: dict[str, str], when: datetime | None) -> Component:
    """The whole document. hashes: {normalised name: SHA-256 of the wheel}; when: time of the build, or None."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    heedmap = f"pkg:generic/heedmap@{project['version']}"
    others = {name: one for name, one in folder.distributions.items() if name != "heedmap"}
    components = [_of_distribution(name, one, folder, hashes) for name, one in others.items()]
    components += _of_system(folder)
    components.sort(key=lambda one: str(one["bom-ref"]))
    content: Component = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "build"}],
            "component": {
                "type": "application",
                "bom-ref": heedmap,
                "name": "heedmap",
                "version": project["version"],
                "description": project["description"],
                "licenses": [{"expression": project["license"]}],
                "purl": heedmap,
            },
        },
        "components": components,
        "dependencies": _dependencies(heedmap, others, components),
    }
    if when:
        content["metadata"]["timestamp"] = when.strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return {"serialNumber": f"urn:uuid:{uuid.UUID(digest[:32], version=4)}", **content}


def read_hashes(lock: Path) -> dict[str, str]:
    """{normalised name: SHA-256 of its wheel} of a lock."""
    pins = re.findall(r"^(\S+?)===?\S+ \\\n +--hash=sha256:(\w+)", lock.read_text(encoding="utf-8"), re.MULTILINE)
    return {canonicalize_name(name): digest for name, digest in pins}


def _of_distribution(
    name: str, one: metadata.Distribution, folder: inventory.Inventory, hashes: dict[str, str]
) -> Component:
    kinds = dict.fromkeys(licences.MODELS, "machine-learning-model") | dict.fromkeys(licences.FONTS, "data")
    reference = f"pkg:pypi/{name}@{quote(one.version)}"
    component: Component = {
        "type": kinds.get(name, "library"),
        "bom-ref": reference,
        "name": one.metadata["Name"],
        "version": one.version,
        "licenses": [_licence(policy.licence(one))],
        "purl": reference,
    }
    if name in hashes:
        component["hashes"] = [{"alg": "SHA-256", "content": hashes[name]}]
    page = licences.homepage(one)
    if page:
        component["externalReferences"] = [{"type": "website", "url": page}]
    inside = [_compiled_in(part) for part in policy.compiled_in(one)]
    inside += [_file(library, folder) for library in folder.libraries if library.owner == name]
    if inside:
        component["components"] = inside
    return component


def _of_system(folder: inventory.Inventory) -> list[Component]:
    """Qt, Python itself and the libraries that came from the build machine's system."""
    found = []
    if "pyside6-essentials" in folder.distributions:
        version = folder.distributions["pyside6-essentials"].version
        found.append(_named("Qt", version, f"pkg:generic/qt@{version}", "LGPL-3.0-only"))
    if folder.frozen:
        version = platform.python_version()
        python = _named("Python", version, f"pkg:generic/python@{version}", policy.PYTHON)
        python["components"] = [_file(library, folder) for library in folder.libraries if library.owner == "python"]
        found.append(python)
    for package in folder.system:
        kind = "deb/debian" if package.copyright else "generic"
        version = f"@{quote(package.version)}" if package.version else ""
        component = _named(package.name, package.version, f"pkg:{kind}/{quote(package.name)}{version}", package.licence)
        component["components"] = [_file(library, folder) for library in package.libraries]
        found.append(component)
    return found


def _named(name: str, version: str, reference: str, licence: str) -> Component:
    component = {
        "type": "library",
        "bom-ref": reference,
        "name": name,
        "licenses": [_licence(licence)],
        "purl": reference,
    }
    return component | ({"version": version} if version else {})


def _licence(expression: str) -> Component:
    return {"license": {"name": "unknown"}} if expression == policy.UNKNOWN else {"expression": expression}


def _compiled_in(part: Component) -> Component:
    """What a wheel's own bill says of one part, without its references, which another wheel may use too."""
    kept = {key: part[key] for key in ("name", "version", "scope", "purl", "hashes") if part.get(key)}
    kept["type"] = part.get("type", "library")
    expression = policy.licence_of_component(part)
    return kept | ({} if expression == policy.UNKNOWN else {"licenses": [_licence(re.sub(r"\s+", " ", expression))]})


def _file(library: inventory.Library, folder: inventory.Inventory) -> Component:
    digest = hashlib.sha256((folder.packages_folder / library.path).read_bytes()).hexdigest()
    return {"type": "file", "name": library.path.as_posix(), "hashes": [{"alg": "SHA-256", "content": digest}]}


def _dependencies(
    heedmap: str, distributions: dict[str, metadata.Distribution], components: list[Component]
) -> list[Component]:
    references = {name: f"pkg:pypi/{name}@{quote(one.version)}" for name, one in distributions.items()}
    needs: dict[str, set[str]] = {reference: set() for reference in references.values()}
    for name, one in distributions.items():
        for need in map(Requirement, one.requires or ()):
            wanted = canonicalize_name(need.name)
            if wanted in references and (need.marker is None or need.marker.evaluate({"extra": ""})):
                needs[references[name]].add(references[wanted])
    # Heedmap asks for what pyproject.toml says, and for what is there and nothing else asks for (encoders, Qt, Python).
    asked = set().union(*needs.values())
    own = {canonicalize_name(Requirement(need).name) for need in lock.run_time_needs()}
    needs[heedmap] = {references[name] for name in own if name in references}
    needs[heedmap] |= {str(one["bom-ref"]) for one in components} - asked
    return [{"ref": one, "dependsOn": sorted(needs[one])} for one in sorted(needs)]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="Writes the CycloneDX bill of materials of a built folder.")
    parser.add_argument("folder", type=Path, help="the frozen program's folder, or a site-packages folder")
    parser.add_argument("out", type=Path, help="the file to write")
    parser.add_argument("--lock", type=Path, required=True, help="the lock that its packages were installed from")
    parser.add_argument("--environment", type=Path, help="site-packages that a frozen folder was made from")
    options = parser.parse_args(arguments)
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    when = datetime.fromtimestamp(int(epoch), UTC) if epoch else None
    content = bill(inventory.read(options.folder, options.environment), read_hashes(options.lock), when)
    options.out.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{options.out}: {len(content['components'])} components, {options.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
