"""Steps of the self-test that try one library each: does it work here as it does elsewhere?"""

from __future__ import annotations

import io
from pathlib import Path

from engine.errors import HeedmapError
from engine.selftest.found import Found

# What each line of work is tried with; a lossy format may change a photo by this much, of 255, in the mean.
_LOSS = {"PNG": 0.0, "JPEG": 6.0, "WEBP": 6.0}
_RATE = 16_000
_TEXTS = ("A warm waterproof jacket", "This coat keeps the rain out", "Batteries for a bicycle lamp")


def wrong(what: str) -> HeedmapError:
    """A result that is not what it must be."""
    return HeedmapError(what, "Install Heedmap again; if it says so again, send the report of the self-test.")


def arithmetic() -> Found:
    """The same numbers twice, and those that float64 gives."""
    import numpy as np
    import torch

    from engine.device import choose_device

    def once(device: str) -> tuple[torch.Tensor, float]:
        torch.manual_seed(7)
        left, right = torch.randn(64, 96), torch.randn(96, 48)
        weight = torch.nn.Parameter(right.to(device))
        product = left.to(device) @ weight
        torch.softmax(product, dim=1).square().sum().backward()
        assert weight.grad is not None
        truth = left.double().numpy() @ right.double().numpy()
        gap = float(np.abs(product.detach().cpu().numpy() - truth).max())
        return torch.cat([product.detach().cpu().flatten(), weight.grad.cpu().flatten()]), gap

    (first, gap), (second, _) = once("cpu"), once("cpu")
    if not torch.equal(first, second):
        raise wrong("The same calculation gave two results.")
    device = choose_device("auto")
    if device != "cpu":
        other, far = once(device)
        gap = max(gap, far)
        if not torch.allclose(first, other, atol=2e-2):
            raise wrong(f"{device} and the processor do not agree on a small calculation.")
    if gap > 2e-2:
        raise wrong(f"A small calculation is {gap:.1e} off.")
    return Found("the same result twice, {gap:.0e} from that in double precision", {"gap": gap})


def pictures(folder: Path) -> Found:
    """A photo through each format that shops use, decoded as a dataset's photos are."""
    import numpy as np
    from PIL import Image

    from engine.dataset.store import image_suffix, open_photo

    side = np.linspace(0, 1, 96)
    photo = np.stack([side[:, None] * np.ones(96), np.ones((96, 1)) * side, np.full((96, 96), 0.4)], axis=-1)
    shown = (photo * 255).astype(np.uint8)
    worst = 0.0
    for form, most in _LOSS.items():
        content = io.BytesIO()
        Image.fromarray(shown).save(content, form, quality=92)
        path = folder / f"photo{image_suffix(content.getvalue())}"
        path.write_bytes(content.getvalue())
        loss = float(np.abs(np.asarray(open_photo(path), dtype=float) - shown).mean())
        path.unlink()
        if loss > most:
            raise wrong(f"A {form} photo comes back changed by {loss:.1f} of 255.")
        worst = max(worst, loss)
    return Found("PNG, JPEG and WebP; the most that was lost is {loss:.1f} of 255", {"loss": worst})


def sound(folder: Path) -> Found:
    """A tone written and read again."""
    import numpy as np
    import soundfile

    tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(_RATE) / _RATE)).astype(np.float32)
    worst = 0.0
    for form in ("wav", "flac"):
        path = folder / f"tone.{form}"
        soundfile.write(path, tone, _RATE)
        again, rate = soundfile.read(path, dtype="float32")
        path.unlink()
        if rate != _RATE or again.shape != tone.shape:
            raise wrong(f"A recording comes back from {form} as another.")
        worst = max(worst, float(np.abs(again - tone).max()))
    if worst > 1e-4:
        raise wrong(f"A recording comes back {worst:.1e} off.")
    return Found("WAV and FLAC, {seconds:.0f} s of a tone, {loss:.0e} off", {"seconds": 1.0, "loss": worst})


def tables(dataset: Path) -> Found:
    """Rows counted by DuckDB are those that the dataset says it has."""
    from engine.dataset.store import Dataset

    opened = Dataset.open(dataset)
    try:
        joined = "SELECT i.title, count(*) FROM events e JOIN items i USING (item) GROUP BY 1 ORDER BY 2 DESC, 1"
        best = opened.rows(joined)
        events = sum(int(count) for _, count in best)
        if events != opened.manifest.counts["events"] or next(opened.damaged(), None) is not None:
            raise wrong(f"A query finds {events} events where {opened.manifest.counts['events']} were written.")
    finally:
        opened.close()
    values = {"events": events, "products": len(best), "best": str(best[0][0])}
    return Found("{events:,} events of {products:,} titles joined and counted", values)


def encoders() -> Found:
    """Both default encoders: like texts are near, and photos that differ are told apart."""
    import time

    import numpy as np
    from PIL import Image

    from engine.features.encoder import encode
    from engine.features.packs import efficientnet_weights, minilm_folder
    from engine.features.registry import Options, open_encoder

    minilm_folder(), efficientnet_weights()  # say so where one is missing: without it another would be taken
    text, image = open_encoder("text", "minilm", Options()), open_encoder("image", "efficientnet-lite0", Options())
    began = time.monotonic()
    means = [one.states.astype(np.float64).mean(axis=0) for one in encode(text, text.prepare(_TEXTS))]
    near, far = (_cosine(means[0], other) for other in means[1:])
    if not near > far + 0.1:
        raise wrong(f"{text.about.name} finds a coat ({near:.2f}) no nearer to a jacket than batteries ({far:.2f}).")
    plain = [Image.new("RGB", (224, 224), colour) for colour in ("white", "navy")]
    cells = [one.states.astype(np.float64) for one in encode(image, image.prepare(plain))]
    if cells[0].shape != (49, 1280) or not np.isfinite(cells).all() or np.allclose(cells[0], cells[1], atol=1e-2):
        raise wrong(f"{image.about.name} does not tell a white photo from a blue one.")
    values = {"text": text.about.name, "image": image.about.name, "near": near, "far": far}
    return Found(
        "{text} (like texts {near:.2f}, unlike {far:.2f}) and {image} in {seconds:.1f} s",
        {**values, "seconds": time.monotonic() - began},
    )


def _cosine(left: object, right: object) -> float:
    import numpy as np

    one, two = np.asarray(left), np.asarray(right)
    return float(one @ two / np.linalg.norm(one) / np.linalg.norm(two))


def adapters(folder: Path) -> Found:
    """One step of low-rank tuning in the text encoder, kept and taken up again."""
    import torch

    from engine.features.registry import Options, open_encoder
    from engine.model.tuning import Tuned, Tuning

    def opened() -> Tuned:
        return Tuned(open_encoder("text", "minilm", Options()), Tuning("lora", 2))

    tuned = opened()
    prepared = tuned.encoder.prepare(_TEXTS)
    optimiser = torch.optim.AdamW(tuned.learning.values(), lr=0.01)
    losses = []
    for _ in range(2):
        optimiser.zero_grad()
        loss = tuned.encoder.tokens(prepared).square().mean()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    tuned.save(folder / "adapter")
    again = opened()
    again.restore(folder / "adapter")
    with torch.no_grad():
        apart = float((again.encoder.tokens(prepared) - tuned.encoder.tokens(prepared)).abs().max())
    if not losses[1] < losses[0] or apart > 1e-5:
        raise wrong(f"An adapter does not learn (loss {losses[0]:.4f}, then {losses[1]:.4f}), or is not kept.")
    values = {"before": losses[0], "after": losses[1], "weights": tuned.trainable}
    return Found("{weights:,} weights of LoRA: loss {before:.4f}, after a step {after:.4f}", values)
