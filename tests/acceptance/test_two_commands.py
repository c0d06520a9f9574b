"""The two commands fail with a sentence, pick up where they were stopped, and start fast when all is there.

The machine around the scripts (pip, apt, df, Python) is played by small stand-ins; the scripts are the real ones.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT

# A Python that can make a .venv with itself inside; asked to run pip, it writes down what and does as $PIP_DOES says.
PYTHON = """#!/bin/bash
case "$*" in
    "--version") echo "Python 3.12.1" ;;
    *version_info\\[:2\\]\\)*) echo 3.12 ;;
    *"-m venv"*)
        mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && echo "command = $0 -m venv $3" >"$3/pyvenv.cfg"
        cp "$HEEDMAP" "$3/bin/heedmap" ;;
    *default_workspace*) echo "$HOME/data" ;;
    "-m pytest"*) echo "ran pytest ${*:3}" ;;
    *"-m pip"*)
        printf '%s\\n' "$*" >>"$PIP_CALLS"
        while [ "$1" != --log ]; do shift; done
        printf '%s\\n' "$PIP_SAYS" >"$2"
        [ -z "$PIP_SAYS" ] ;;
esac
"""
# The command line: says how it was called, and leaves the files that the real one leaves.
HEEDMAP = """#!/bin/bash
echo "heedmap $*"
case "$1" in
    sample) mkdir -p "$2" && touch "$2/dataset.json" ;;
    train)
        mkdir -p "$4"
        if [ -n "$TRAIN_STOPS" ]; then
            printf '{\\n  "state": "running"\\n}\\n' >"$4/run.json" && exit 130
        fi
        printf '{\\n  "state": "done"\\n}\\n' >"$4/run.json" ;;
esac
"""
COMMANDS = "awk bash cat cksum chmod cp dirname env find flock grep head id ls mkdir rm sed tail timeout touch tr uname"
LIBRARIES = "libEGL.so.1 libGL.so.1 libdbus-1.so.3 libfontconfig.so.1 libgthread-2.0.so.0 libxkbcommon.so.0"


@dataclass(frozen=True)
class Machine:
    """A made-up computer: a folder of commands, a copy of Heedmap, and what pip is to answer."""

    commands: Path
    heedmap: Path

    def has(self, name: str, script: str) -> None:
        path = self.commands / name
        path.unlink(missing_ok=True)  # a link to the real command, which must never be written through
        path.write_text(script if script.startswith("#!") else f"#!/bin/bash\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def run(
        self, *arguments: str, script: str = "packaging/run", pip_says: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/bash", str(self.heedmap / script), *arguments],
            env={
                "PATH": str(self.commands),
                "HOME": str(self.heedmap),
                "PIP_CALLS": str(self.heedmap / "pip-calls"),
                "PIP_SAYS": pip_says,
                "HEEDMAP": str(self.commands / "heedmap-itself"),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def pip_calls(self) -> list[str]:
        path = self.heedmap / "pip-calls"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine on which everything is well, in a folder with a space in its name."""
    machine = Machine(tmp_path / "bin", tmp_path / "my heedmap")
    machine.commands.mkdir()
    machine.heedmap.mkdir()
    shutil.copytree(ROOT / "packaging", machine.heedmap / "packaging")
    shutil.copy(ROOT / "pyproject.toml", machine.heedmap)
    for name in COMMANDS.split():
        real = shutil.which(name)
        assert real is not None, f"this system has no {name}"
        (machine.commands / name).symlink_to(real)
    machine.has("python3", PYTHON)
    machine.has("heedmap-itself", HEEDMAP)
    machine.has("df", "echo header; echo 'disk 9 9 99000000 1% /'")
    machine.has("ldconfig", f'for name in {LIBRARIES}; do echo " $name (libc6) => /lib/$name"; done')
    # Fonts are looked for in the system's folders, which a minimal machine may lack.
    (machine.heedmap / ".fonts").mkdir()
    (machine.heedmap / ".fonts" / "sans.ttf").touch()
    return machine


def test_a_first_start_installs_and_a_second_one_does_not(machine: Machine) -> None:
    first = machine.run("recommend", "a run")
    assert (first.returncode, first.stdout.splitlines()[-1]) == (0, "heedmap recommend a run")
    assert "--no-deps" in machine.pip_calls[-1]
    calls = len(machine.pip_calls)
    second = machine.run("recommend", "a run")
    assert (second.returncode, second.stdout) == (0, "heedmap recommend a run\n")
    assert len(machine.pip_calls) == calls


def test_a_new_pin_is_installed_at_the_next_start(machine: Machine) -> None:
    machine.run("--help")
    calls = len(machine.pip_calls)
    with (machine.heedmap / "packaging" / "constraints.txt").open("a", encoding="utf-8") as file:
        file.write("another-package==1.0\n")
    assert machine.run("--help").returncode == 0
    assert len(machine.pip_calls) > calls


def test_a_set_up_that_was_killed_is_made_anew(machine: Machine) -> None:
    machine.run("--help")
    venv = machine.heedmap / ".venv"
    (venv / "unfinished").touch()
    (venv / "half-written").touch()
    assert machine.run("--help").returncode == 0
    assert not (venv / "half-written").exists()
    assert not (venv / "unfinished").exists()


def test_a_folder_that_was_moved_is_set_up_anew(machine: Machine) -> None:
    machine.run("--help")
    moved = Machine(machine.commands, machine.heedmap.with_name("elsewhere"))
    machine.heedmap.rename(moved.heedmap)
    (moved.heedmap / ".venv" / "old").touch()
    assert moved.run("--help").returncode == 0
    assert not (moved.heedmap / ".venv" / "old").exists()


def test_an_nvidia_card_gets_the_release_and_not_a_cpu_build(machine: Machine) -> None:
    machine.has("nvidia-smi", "echo 'GPU 0: a card'")
    machine.run("--help")
    assert any("torch===" in call for call in machine.pip_calls)


def test_too_little_disk_is_said_before_anything_is_made(machine: Machine) -> None:
    machine.has("df", "echo header; echo 'disk 9 9 1100000 99% /'")
    done = machine.run()
    assert done.returncode == 1
    assert "needs about 4 GB" in done.stderr
    assert "1 GB are free" in done.stderr
    assert not (machine.heedmap / ".venv").exists()


@pytest.mark.parametrize(
    ("pip_says", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk became full while installing"),
        ("No matching distribution found for captum==0.9.0", "pip finds no captum==0.9.0"),
        ("Could not fetch URL x: connection error: refused - skipping", "could not be reached"),
        ("ERROR: something nobody has seen before", "something nobody has seen before"),
    ],
)
def test_a_failing_pip_ends_in_a_sentence(machine: Machine, pip_says: str, sentence: str) -> None:
    done = machine.run(pip_says=f"2026-01-01T00:00:00,000 {pip_says}")
    assert done.returncode == 1
    assert sentence in done.stderr
    assert machine.run("--help").returncode == 0, "the next start mends it"


def test_a_failing_update_leaves_what_worked(machine: Machine) -> None:
    machine.run("--help")
    (machine.heedmap / ".venv" / "installed-before").touch()
    with (machine.heedmap / "packaging" / "constraints.txt").open("a", encoding="utf-8") as file:
        file.write("another-package==1.0\n")
    assert machine.run("--help", pip_says="connection error: refused").returncode == 1
    assert machine.run("--help").returncode == 0
    assert (machine.heedmap / ".venv" / "installed-before").exists()


def test_without_a_fitting_python_it_says_which_ones_fit(machine: Machine) -> None:
    machine.has("python3", '[ "$1" = --version ] && echo Python 3.14.0')
    done = machine.run()
    assert done.returncode == 1
    assert "Python 3.11, 3.12 or 3.13 is needed" in done.stderr
    assert "Python 3.14.0" in done.stderr


def test_missing_libraries_without_an_administrator_end_in_the_exact_line(machine: Machine) -> None:
    machine.has("ldconfig", "echo nothing")
    machine.has("id", "echo 1000")
    machine.has("sudo", "exit 1")
    machine.has("apt-get", 'touch "$HOME/apt-was-called"')
    done = machine.run()
    assert done.returncode == 1
    assert "sudo apt-get install -y --no-install-recommends libegl1 libgl1" in done.stderr
    assert not (machine.heedmap / "apt-was-called").exists()


def test_missing_libraries_are_installed_for_an_administrator(machine: Machine) -> None:
    # The package list is empty at first, as on a fresh system.
    machine.has("ldconfig", "echo nothing")
    machine.has("id", "echo 0")
    machine.has(
        "apt-get",
        """case "$*" in
        *update*) touch "$HOME/list" ;;
        *install*) [ -e "$HOME/list" ] && printf '%s\\n' "$*" >"$HOME/apt" ;;
        esac""",
    )
    done = machine.run("--help")
    assert done.returncode == 0, done.stderr
    assert "Qt draws the window with them" in done.stdout
    installed = (machine.heedmap / "apt").read_text(encoding="utf-8")
    assert "libegl1" in installed
    assert "libxcb-cursor0" not in installed, "a machine without a display needs no X11"


def test_a_display_needs_the_libraries_of_its_window_system(machine: Machine) -> None:
    machine.has("id", "echo 1000")
    machine.has("apt-get", "exit 1")
    assert "libxcb-cursor0" in machine.run(DISPLAY=":9").stderr
    assert "libwayland-cursor0" in machine.run(WAYLAND_DISPLAY="wayland-0").stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_named(machine: Machine) -> None:
    machine.heedmap.chmod(0o555)
    done = machine.run()
    machine.heedmap.chmod(0o755)
    assert done.returncode == 1
    assert f"{machine.heedmap} cannot be written" in done.stderr


def test_the_checks_run_in_order_and_stop_at_the_first_that_fails(machine: Machine) -> None:
    shutil.copytree(ROOT / ".ci", machine.heedmap / ".ci")
    machine.run("--help")
    programs = machine.heedmap / ".venv" / "bin"
    for name in ("ruff", "mypy", "lint-imports"):
        (programs / name).write_text(f'#!/bin/bash\necho "ran {name} $*"\nexit ${{MYPY_RC:-0}}\n', encoding="utf-8")
        (programs / name).chmod(0o755)
    good = machine.run(script=".ci/run", CI="true")
    assert good.returncode == 0, good.stderr
    ran = [line for line in good.stdout.splitlines() if line.startswith("ran ")]
    tests = "ran pytest --numprocesses=auto --maxprocesses=4 --max-worker-restart=0 --dist=loadfile"
    assert [one.strip() for one in ran] == [
        "ran ruff format --check .", "ran ruff check .", "ran mypy", "ran lint-imports", tests
    ]  # fmt: skip
    (programs / "ruff").write_text("#!/bin/bash\nexit 0\n", encoding="utf-8")
    bad = machine.run(script="packaging/test", MYPY_RC="3")
    assert bad.returncode == 3
    assert "types failed" in bad.stderr
    assert "lint-imports" not in bad.stdout


def _shown(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [
        line.removeprefix("heedmap ").split()[0] for line in done.stdout.splitlines() if line.startswith("heedmap ")
    ]


def test_the_first_start_draws_trains_and_shows_and_the_next_ones_only_show(machine: Machine) -> None:
    first = machine.run()
    assert (first.returncode, _shown(first)) == (0, ["sample", "train", "shot", "explain"])
    for name in ("explorer.png", "explanation.html"):
        assert str(machine.heedmap / "out" / name) in first.stdout
    assert _shown(machine.run()) == ["shot", "explain"]
    machine.has("ldconfig", "exit 1")  # a system that does not say which libraries it has
    assert machine.run(DISPLAY=":9").stdout.splitlines()[-1].strip() == "heedmap"


def test_a_training_that_was_stopped_is_resumed(machine: Machine) -> None:
    stopped = machine.run(TRAIN_STOPS="yes")
    assert stopped.returncode == 130
    again = machine.run()
    assert (again.returncode, _shown(again)) == (0, ["train", "shot", "explain"])
    assert "--resume" in again.stdout


def test_the_newest_finished_run_is_shown_where_the_first_is_gone(machine: Machine) -> None:
    run = machine.heedmap / "data" / "runs" / "winter sale"
    run.mkdir(parents=True)
    (run / "run.json").write_text('{\n  "state": "done"\n}\n', encoding="utf-8")
    dataset = machine.heedmap / "data" / "datasets" / "shop"
    dataset.mkdir(parents=True)
    (dataset / "dataset.json").touch()
    done = machine.run()
    assert (done.returncode, _shown(done)) == (0, ["shot", "explain"])
    assert str(run) in done.stdout
