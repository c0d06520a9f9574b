"""What this computer is: system, processors, memory, disk, and the device that computes."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import sys
from pathlib import Path

from engine.errors import HeedmapError
from engine.selftest.found import Found

LEAST_DISK = 1.0  # GB that the self-test may need
LEAST_MEMORY = 3.0  # GB below which a training of the sample is not to be hoped for


def machine(folder: Path) -> Found:
    """Name the computer. HeedmapError where the disk of `folder` or the memory is too small."""
    from importlib.metadata import version

    import torch

    from engine.device import choose_device

    device = choose_device("auto")
    free = shutil.disk_usage(folder).free / 2**30
    memory = memory_bytes() / 2**30
    if free < LEAST_DISK:
        raise HeedmapError(
            f"Only {free:.1f} GB are free in {folder}.", f"Free {LEAST_DISK:.0f} GB, or use --keep on another disk."
        )
    if 0 < memory < LEAST_MEMORY:
        raise HeedmapError(f"This computer has {memory:.1f} GB of memory.", f"{LEAST_MEMORY:.0f} GB are needed.")
    values = {
        "version": version("heedmap"),
        "system": system_name(),
        "cores": cores(),
        "processor": processor(),
        "memory": memory,
        "device": torch.cuda.get_device_name() if device == "cuda" else device.upper(),
        "free": free,
        "frozen": bool(getattr(sys, "frozen", False)),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    return Found(
        "Heedmap {version} on {system}; {cores} processors ({processor}), {memory:.1f} GB of memory, computes on"
        " {device}, {free:.0f} GB of disk free",
        values,
    )


def system_name() -> str:
    """The system as people call it, such as "Debian GNU/Linux 13 (trixie) x86_64"."""
    kind = platform.system()
    if kind == "Linux":
        try:
            name = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
        except OSError:
            name = "Linux"
        return f"{name} {platform.machine()}"
    if kind == "Darwin":
        return f"macOS {platform.mac_ver()[0]} {platform.machine()}"
    return f"{kind} {platform.release()} {platform.version()} {platform.machine()}"


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """The processor's own name where the system tells it, else its kind."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX of Windows."""

    _fields_ = (
        ("length", ctypes.c_ulong),
        ("load", ctypes.c_ulong),
        *((name, ctypes.c_ulonglong) for name in ("total", "free", "pages", "pages_free", "room", "room_free", "more")),
    )


def memory_bytes() -> int:
    """Bytes of main memory; 0 where the system does not tell."""
    if sys.platform == "win32":
        status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
        return int(status.total) if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)) else 0
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError, AttributeError):
        return 0
