"""torch's kernels for tensors without data: postponed for the first answers, there for whoever uses them."""

from __future__ import annotations

import subprocess
import sys

BEGIN = """from engine import without_data; without_data.postpone()
import sys, torch
from engine.without_data import KERNELS
"""
IS_THERE = """assert 'meta_index_Tensor' in vars(sys.modules[KERNELS])
assert torch._meta_registrations is sys.modules[KERNELS]
"""


def runs(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", BEGIN + code], capture_output=True, text=True, timeout=200)
    assert not done.returncode, done.stderr


def test_torch_computes_without_them_and_has_them_when_asked() -> None:
    runs(
        "assert 'meta_index_Tensor' not in vars(sys.modules[KERNELS])\nassert 'torch._decomp' not in sys.modules\n"
        "x = torch.ones(2, 3, requires_grad=True)\n"
        "torch.nn.Linear(3, 4)(x).softmax(1)[:, 0].sum().backward()\nassert x.grad is not None\n"
        "from torch._meta_registrations import meta_index_Tensor\n" + IS_THERE
    )


def test_a_library_that_may_use_them_unseen_finds_them() -> None:
    runs(
        "import transformers.pytorch_utils\n"
        + IS_THERE
        + "assert torch.empty(4, 5, device='meta')[torch.tensor([0, 1], device='meta')].shape == (2, 5)\n"
    )
