"""The locks agree with pyproject.toml and constraints.txt, every package has a hash, and no test tool is in them."""

import re

import lock
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

TEST_TOOLS = {"pytest", "mypy", "ruff", "import-linter", "captum", "onnx", "pypdf", "jsonschema", "ir-measures"}
PIN = re.compile(r"^([A-Za-z0-9._-]+?)(===?)(\S+) \\\n    --hash=sha256:([0-9a-f]{64})$", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    text = (lock.LOCKS / f"{name}.txt").read_text(encoding="utf-8")
    found = PIN.findall(text)
    assert len(found) == sum(not line.startswith(("#", " ")) for line in text.splitlines())
    return {canonicalize_name(package): version for package, _, version, _ in found}


@pytest.mark.parametrize("name", lock.FLAVOURS)
def test_a_flavour_has_what_the_program_needs_in_the_versions_that_are_tested(name: str) -> None:
    locked, tested = pins(name), lock.constraints()
    for text in [*lock.run_time_needs(), *lock.encoders()]:
        need = Requirement(text)
        assert need.specifier.contains(locked[canonicalize_name(need.name)]), text
    ours = {package: Version(version).public for package, version in locked.items() if package in tested}
    assert ours == {package: tested[package] for package in ours}
    # What is not pinned by us is pinned by torch itself.
    assert not [p for p in locked.keys() - tested.keys() if not re.match(r"nvidia-|cuda-|triton$", p)]
    assert not TEST_TOOLS & locked.keys()


def test_the_two_linux_flavours_differ_in_torch_and_what_it_brings() -> None:
    cpu, cuda = pins("linux-cpu"), pins("linux-cuda")
    assert (cpu["torch"], cuda["torch"]) == (f"{lock.constraints()['torch']}+cpu", lock.constraints()["torch"])
    assert cpu.keys() < cuda.keys()
    assert {"triton", "cuda-toolkit", "nvidia-cudnn-cu13"} <= cuda.keys()
    assert {package: v for package, v in cuda.items() if package in cpu and package != "torch"} == {
        package: v for package, v in cpu.items() if package != "torch"
    }


@pytest.mark.parametrize("name", lock.BUILDERS)
def test_the_build_tools_are_as_written(name: str) -> None:
    lines = (lock.LOCKS / "build.in").read_text(encoding="utf-8").splitlines()
    asked = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    locked = pins(name)
    assert asked.items() <= locked.items()
    assert {"setuptools", "packaging"} <= locked.keys()
    assert locked["setuptools"] == lock.constraints()["setuptools"]


def test_a_lock_names_no_host_and_no_folder() -> None:
    for path in lock.LOCKS.iterdir():
        assert not re.search(r"://|file:|(^|\s)/|--(find-links|index-url) \S", path.read_text(encoding="utf-8")), path


def test_needs_are_those_of_the_system_aimed_at() -> None:
    windows, linux = lock.FLAVOURS["windows"], lock.FLAVOURS["linux-cpu"]
    need = Requirement('tzdata; sys_platform == "win32"')
    assert lock.applies(need, (), windows)
    assert not lock.applies(need, (), linux)
    extra = Requirement('nvidia-cublas; extra == "cublas" and sys_platform == "linux"')
    assert lock.applies(extra, {"cublas"}, linux)
    assert not lock.applies(extra, (), linux)
    assert not lock.applies(extra, {"cublas"}, windows)
