"""Make torchvision import beside a torch build that cannot load its compiled part.

Some CPU builds of torch do not match torchvision's wheel; its import then fails with "operator torchvision::nms does
not exist", and transformers with it. Declaring the two schemas is enough for transforms and for transformers; photos
are decoded with Pillow everywhere, so the image decoder that stays missing is not missed.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import cache


@cache
def cure_torchvision() -> bool:
    """Declare torchvision's operators if its compiled part does not load; True when that was needed."""
    import torch

    if "torchvision" in sys.modules or _compiled_part_loads():
        return False
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _kept.append(library)  # the definitions live as long as this object
    return True


_kept: list[object] = []


def _compiled_part_loads() -> bool:
    """Load torchvision's operator library by itself, as its import would, and see whether `nms` is there."""
    import torch

    spec = importlib.util.find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        return True  # nothing to cure
    from pathlib import Path

    for library in Path(spec.submodule_search_locations[0]).glob("_C.*"):
        try:
            torch.ops.load_library(str(library))
        except OSError:
            return False
    return hasattr(torch.ops.torchvision, "nms")
