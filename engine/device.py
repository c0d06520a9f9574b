"""Which device computes, and with how many threads."""

from __future__ import annotations

import os

import torch

from engine.errors import HeedmapError

DEVICES = ("cuda", "mps", "xpu", "cpu")


def _available(name: str) -> bool:
    if name == "cuda":
        return torch.cuda.is_available()
    if name == "mps":
        return torch.backends.mps.is_available()
    if name == "xpu":
        return hasattr(torch, "xpu") and torch.xpu.is_available()
    return name == "cpu"


def choose_device(wanted: str) -> str:
    """The first of CUDA, MPS, XPU, CPU that is there for "auto"; else `wanted`, or HeedmapError."""
    if wanted == "auto":
        return next(name for name in DEVICES if _available(name))
    if wanted not in DEVICES or not _available(wanted):
        there = ", ".join(name for name in DEVICES if _available(name))
        raise HeedmapError(f"There is no device {wanted!r} on this machine.", f"Use auto or one of: {there}.")
    return wanted


def set_threads(wanted: int = 0) -> int:
    """Give torch `wanted` threads, or all cores but one; returns how many."""
    threads = wanted or max(1, (os.cpu_count() or 2) - 1)
    torch.set_num_threads(threads)
    return threads
