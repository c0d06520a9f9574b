"""In which numbers encoders learn: 16 bits only where the device is built for them."""

from __future__ import annotations

import torch

from engine.errors import HeedmapError

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def chosen_dtype(wanted: str, device: str) -> torch.dtype:
    """The type for "auto", "fp32", "bf16" or "fp16" on a device. HeedmapError when the device lacks it."""
    fast = _fast(device)
    if wanted == "auto":
        return fast[0] if fast else torch.float32
    if wanted != "fp32" and DTYPES[wanted] not in fast:
        raise HeedmapError(
            f"precision={wanted} is not what the {device} of this machine computes fast.",
            "Use precision=auto, which takes 16 bits where they help.",
        )
    return DTYPES[wanted]


def _fast(device: str) -> list[torch.dtype]:
    """Types of 16 bits that the device computes faster than 32 bits, the best first."""
    if device == "cuda":
        return [torch.bfloat16, torch.float16] if torch.cuda.is_bf16_supported(False) else [torch.float16]
    if device == "cpu" and torch.backends.cpu.get_cpu_capability() in ("AVX512", "AVX512_VNNI", "AMX"):
        amx = getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)()
        return [torch.bfloat16] if amx or getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)() else []
    return []
