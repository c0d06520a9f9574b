"""Encoders that learn: low-rank, prefix and bottleneck adapters, or all weights, kept as a file of their own.

`lora` (Hu et al. 2021), `adalora` (Zhang et al. 2023) and `prefix` (Li and Liang 2021) are peft's; `adapter` is a
bottleneck after each layer (Houlsby et al. 2019), which peft lacks. All but `prefix` change the encoder's module in
place. The encoder stays in evaluation mode: with small batches its dropout and batch statistics would only add noise.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.errors import HeedmapError
from engine.features.encoder import Encoder
from engine.features.hf import quiet_transformers
from engine.features.registry import Options, open_encoder
from engine.features.text import positions
from engine.files import atomic, make_folder, read_json, sha256, sha256_of, write_json

NAMES = {
    "lora": "LoRA",
    "adalora": "AdaLoRA",
    "prefix": "prefix tuning",
    "adapter": "bottleneck adapters",
    "full": "full tuning",
}
WEIGHTS, ABOUT, PEFT_CONFIG = "adapter_model.safetensors", "tuning.json", "adapter_config.json"
ADAPTERS = "adapters"  # in a run's folder, a folder for each modality
# Parts that give no state: pooling and classification heads, and what stands for masked input.
_UNUSED = re.compile(r"(^|\.)(pooler|heads?|classifier|_?fc|mask_token|masked_spec_embed)(\.|$)")
_ORTHOGONAL = 0.5  # AdaLoRA's own weight of that pull
_PREFIX_STD = 0.02  # peft's own start, 1.0, drowns what a pretrained encoder knows


@dataclass(frozen=True)
class Tuning:
    """method: a key of `NAMES`. rank: of low-rank updates, width of a bottleneck, or pieces of a prefix. steps: how
    many there will be, for AdaLoRA's schedule. seed: of the adapter's start."""

    method: str
    rank: int
    steps: int = 1
    seed: int = 1


class Tuned:
    """An encoder with what learns in it. HeedmapError when the method does not suit the encoder."""

    def __init__(self, encoder: Encoder, tuning: Tuning) -> None:
        if not encoder.about.trainable_ok:
            raise HeedmapError(
                f"{encoder.about.name} is quantised and cannot learn.", "Set quantise=none, or tune=none."
            )
        self.encoder, self.tuning, self.base = encoder, tuning, encoder.about
        torch.manual_seed(tuning.seed)
        encoder.module.requires_grad_(False)
        self.total = sum(one.numel() for one in encoder.module.parameters())
        quiet_transformers()  # peft imports it, also for an encoder that does without
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # peft calls names that transformers will drop some day
            self._peft: Any = _ADAPT[tuning.method](encoder, tuning)
        encoder.module.eval().to(encoder.device)

    @property
    def learning(self) -> dict[str, nn.Parameter]:
        """What is trained, by its name in the module."""
        return {name: one for name, one in self.encoder.module.named_parameters() if one.requires_grad}

    @property
    def trainable(self) -> int:
        return sum(one.numel() for one in self.learning.values())

    def penalty(self) -> Tensor | None:
        """AdaLoRA's pull of its factors towards orthogonal ones; None for the other methods."""
        if self.tuning.method != "adalora":
            return None
        pulls = []
        for name, one in self.learning.items():
            if "lora_A" in name or "lora_B" in name:
                product = one @ one.T if "lora_A" in name else one.T @ one
                pulls.append(torch.linalg.matrix_norm(product - torch.eye(len(product), device=one.device)))
        return _ORTHOGONAL * torch.stack(pulls).mean()

    def after_step(self, step: int) -> None:
        """To be called after each step of the optimiser, its gradients still there, with the step's number from 0."""
        if self.tuning.method == "adalora":
            self._peft.base_model.update_and_allocate(step)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """What learning has made of it, to go on from: tensors, and AdaLoRA's ranks."""
        tensors: dict[str, Tensor] = {f"weight.{name}": one.detach() for name, one in self.learning.items()}
        ranks: dict[str, Any] = {}
        if self.tuning.method == "adalora":
            allocator = self._peft.base_model.rankallocator
            for kind in ("ipt", "exp_avg_ipt", "exp_avg_unc"):
                tensors |= {f"{kind}.{name}": one for name, one in getattr(allocator, kind).items()}
            ranks = self._peft.peft_config["default"].rank_pattern or {}
        return tensors, ranks

    def load(self, tensors: dict[str, Tensor], ranks: dict[str, Any]) -> None:
        """Take over what `state` gave. HeedmapError when it is of another encoder or method."""
        kept = {name[7:]: one for name, one in tensors.items() if name.startswith("weight.")}
        learning = self.learning
        if set(kept) != set(learning) or any(kept[name].shape != one.shape for name, one in learning.items()):
            raise HeedmapError(
                f"The adapter does not fit {self.base.name} under {NAMES[self.tuning.method]}.", "Train the run again."
            )
        with torch.no_grad():
            for name, one in learning.items():
                one.copy_(kept[name])
        if self.tuning.method == "adalora":
            allocator = self._peft.base_model.rankallocator
            for kind in ("ipt", "exp_avg_ipt", "exp_avg_unc"):
                start = f"{kind}."
                found = {name[len(start) :]: one for name, one in tensors.items() if name.startswith(start)}
                setattr(allocator, kind, {name: one.to(self.encoder.device) for name, one in found.items()})
            self._peft.peft_config["default"].rank_pattern = ranks or None

    def save(self, folder: Path) -> None:
        """Write the adapter alone: its tensors, named as peft names them, and what it belongs to."""
        from safetensors.torch import save_file

        make_folder(folder)
        tensors = {
            _outside(name, self.tuning.method): one.detach().cpu().contiguous() for name, one in self.learning.items()
        }
        with atomic(folder / WEIGHTS) as temporary:
            save_file(tensors, str(temporary), metadata={"format": "pt"})
        if self._peft is not None:
            write_json(folder / PEFT_CONFIG, _plain(self._peft.peft_config["default"].to_dict()))
        about = {
            "method": self.tuning.method,
            "rank": self.tuning.rank,
            "steps": self.tuning.steps,
            "seed": self.tuning.seed,
            "kind": self.base.kind,
            "base": self.base.card(),
        }
        write_json(folder / ABOUT, about)
        self._rename(folder)

    def _rename(self, folder: Path) -> None:
        """The encoder is another one now, and its states are kept apart by its digest."""
        digest = sha256(f"{self.base.digest} {self.tuning.method} {sha256_of(folder / WEIGHTS)}".encode())
        self.encoder.about = replace(self.base, name=f"{self.base.name}, {NAMES[self.tuning.method]}", digest=digest)

    def card(self) -> dict[str, str]:
        """What a run's card keeps of the tuned encoder; `base` is the digest of what it was."""
        return {**self.encoder.about.card(), "base": self.base.digest, "tuned": self.tuning.method}

    def restore(self, folder: Path) -> None:
        """Take over an adapter that `save` wrote. HeedmapError when it is missing, damaged or of another encoder."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            tensors = load_file(str(folder / WEIGHTS))
        except (OSError, SafetensorError) as error:
            raise HeedmapError(
                f"{folder / WEIGHTS} is missing or damaged ({error}).", "Train the run again."
            ) from error
        inside = {_outside(name, self.tuning.method): name for name in self.learning}
        self.load({f"weight.{inside.get(name, name)}": one for name, one in tensors.items()}, {})
        self._rename(folder)

    def merged(self) -> nn.Module:
        """The module with the adapter's weights added to its own. HeedmapError where a method cannot be added."""
        if self.tuning.method == "full":
            return self.encoder.module
        if self.tuning.method not in ("lora", "adalora"):
            raise HeedmapError(
                f"{NAMES[self.tuning.method].capitalize()} cannot be merged: it is not a change of existing weights.",
                "Tune with lora, adalora or full to get a plain folder.",
            )
        merged: nn.Module = self._peft.merge_and_unload()
        return merged


def open_run_encoder(run: Path, kind: str, about: dict[str, str], options: Options, home: Path) -> Encoder:
    """The encoder that made a run's features, tuned or not. about: the run's card of it; home: its dataset's features.

    HeedmapError when the encoder or its adapter is not the one that the run was trained with.
    """
    if "base" not in about:
        return open_encoder(kind, about["setting"], options, home=home, digest=about["digest"])
    tuned = open_tuned(run, kind, about, options, home)
    if tuned.encoder.about.digest != about["digest"]:
        raise HeedmapError(f"{run / ADAPTERS / kind} is not the run's own adapter.", "Restore it, or train again.")
    return tuned.encoder


def open_tuned(run: Path, kind: str, about: dict[str, str], options: Options, home: Path) -> Tuned:
    """A run's tuned encoder with its adapter."""
    folder = run / ADAPTERS / kind
    told = read_json(folder / ABOUT)
    encoder = open_encoder(kind, about["setting"], options, home=home, digest=about["base"])
    tuned = Tuned(encoder, Tuning(told["method"], told["rank"], told["steps"], told["seed"]))
    tuned.restore(folder)
    return tuned


def adapter_bytes(run: Path) -> dict[str, int]:
    """Modality -> size of its adapter's file in a run's folder."""
    return {path.parent.name: path.stat().st_size for path in sorted(run.glob(f"{ADAPTERS}/*/{WEIGHTS}"))}


def _outside(name: str, method: str) -> str:
    """A tensor's name as peft writes it to a file."""
    if method == "prefix":
        return "prompt_embeddings"
    return "base_model.model." + name.replace(".default", "") if method in ("lora", "adalora") else name


def _plain(content: dict[str, Any]) -> dict[str, Any]:
    """peft's settings as JSON: sets sorted, enumerations by their value."""
    return {
        name: sorted(value) if isinstance(value, set) else getattr(value, "value", value)
        for name, value in content.items()
        if name != "rank_pattern" or not value
    }


def _targets(encoder: Encoder, convolutions: bool) -> tuple[list[str], bool]:
    """Names of the layers to adapt, and whether they keep their weights transposed (GPT-2)."""
    from transformers.pytorch_utils import Conv1D

    linear, transposed, pointwise = [], [], []
    for name, layer in encoder.module.named_modules():
        if not name or _UNUSED.search(name):
            continue
        if type(layer) is nn.Linear:
            linear.append(name)
        elif isinstance(layer, Conv1D):
            transposed.append(name)
        elif isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1) and layer.groups == 1:
            pointwise.append(name)
    found = linear or transposed or (pointwise if convolutions else [])
    if not found:
        raise HeedmapError(
            f"{encoder.about.name} has no layers that low-rank updates could be added to.", "Use tune=full for it."
        )
    return found, bool(transposed)


def _lora(encoder: Encoder, tuning: Tuning) -> Any:
    import peft

    targets, transposed = _targets(encoder, convolutions=True)
    config = peft.LoraConfig(
        r=tuning.rank, lora_alpha=2 * tuning.rank, target_modules=targets, fan_in_fan_out=transposed
    )
    return peft.get_peft_model(encoder.module, config)


def _adalora(encoder: Encoder, tuning: Tuning) -> Any:
    import peft

    targets, transposed = _targets(encoder, convolutions=False)
    config = peft.AdaLoraConfig(
        init_r=tuning.rank + tuning.rank // 2,
        target_r=tuning.rank,
        lora_alpha=2 * tuning.rank,
        tinit=tuning.steps // 10,
        tfinal=tuning.steps // 3,
        total_step=max(2, tuning.steps),
        target_modules=targets,
        fan_in_fan_out=transposed,
    )
    return peft.get_peft_model(encoder.module, config)


def _prefix(encoder: Encoder, tuning: Tuning) -> Any:
    config: Any = getattr(encoder.module, "config", None)
    if encoder.about.kind != "text" or config is None or config.model_type not in _TAKES_PREFIX:
        raise HeedmapError(
            f"{encoder.about.name} takes no prefix: prefix tuning works for {', '.join(_TAKES_PREFIX)}.",
            "Use tune=lora, or take its kind out of tune_modalities.",
        )
    import peft

    if tuning.rank >= positions(config) // 2:
        raise HeedmapError(f"{encoder.about.name} has no room for {tuning.rank} pieces.", "Set a smaller tune_rank.")
    wrapped = peft.get_peft_model(
        encoder.module, peft.PrefixTuningConfig(task_type="FEATURE_EXTRACTION", num_virtual_tokens=tuning.rank)
    )
    start: Any = wrapped.prompt_encoder["default"]
    nn.init.normal_(start.embedding.weight, std=_PREFIX_STD)
    # One text is one segment, whose type peft leaves out anyway, with a warning at every batch.
    wrapped.register_forward_pre_hook(_without_segments, with_kwargs=True)
    encoder.module = wrapped
    return wrapped


def _without_segments(module: nn.Module, given: Any, named: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    return given, {name: one for name, one in named.items() if name != "token_type_ids"}


_TAKES_PREFIX = ("bert", "roberta", "xlm-roberta", "gpt2", "llama")  # those tried with transformers 5


class Bottleneck(nn.Module):
    """A layer and, added to its output, up(GELU(down(output))); silent at first."""

    def __init__(self, layer: nn.Module, dim: int, width: int) -> None:
        super().__init__()
        self.layer = layer
        self.down, self.up = nn.Linear(dim, width), nn.Linear(width, dim)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:  # some models ask their layers what they are
            return getattr(super().__getattr__("layer"), name)

    def forward(self, *given: Any, **named: Any) -> Any:
        out = self.layer(*given, **named)
        states = out[0] if isinstance(out, tuple) else out
        states = states + self.up(nn.functional.gelu(self.down(states)))
        return (states, *out[1:]) if isinstance(out, tuple) else states


def _adapter(encoder: Encoder, tuning: Tuning) -> None:
    dim = getattr(getattr(encoder.module, "config", None), "hidden_size", 0)
    stacks = [one for one in encoder.module.modules() if isinstance(one, nn.ModuleList)] if dim else []
    if not stacks:
        raise HeedmapError(
            f"{encoder.about.name} is no stack of Transformer layers, between which adapters go.",
            "Use tune=lora or tune=full for it.",
        )
    stack = max(stacks, key=lambda one: sum(p.numel() for p in one.parameters()))
    for place, layer in enumerate(stack):
        stack[place] = Bottleneck(layer, int(dim), tuning.rank)


def _full(encoder: Encoder, tuning: Tuning) -> None:
    for name, one in encoder.module.named_parameters():
        one.requires_grad_(not _UNUSED.search(name))


_ADAPT: dict[str, Callable[[Encoder, Tuning], Any]] = {
    "lora": _lora,
    "adalora": _adalora,
    "prefix": _prefix,
    "adapter": _adapter,
    "full": _full,
}
