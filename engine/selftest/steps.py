"""What the self-test tries, in its order."""

from __future__ import annotations

from dataclasses import dataclass

AGAIN = "Install Heedmap again; if it fails again, send this report to who supports it."
WINDOW, NETWORK, CLEAN = "window", "network", "clean"  # steps that are not jobs of the engine process


@dataclass(frozen=True)
class Step:
    """name: of the job; title: what people call it; needs: steps without which it cannot be; most: seconds after which
    it counts as hanging; hint: what to do where a failure says nothing better."""

    name: str
    title: str
    needs: tuple[str, ...] = ()
    most: float = 180.0
    hint: str = AGAIN


STEPS = (
    Step("machine", "This computer"),
    Step("arithmetic", "Calculations"),
    Step("pictures", "Photos"),
    Step("sound", "Recordings"),
    Step("encoders", "Encoders of words and photos"),
    Step("adapters", "Fine-tuning"),
    Step("sample", "The sample"),
    Step("tables", "Queries", ("sample",)),
    Step("training", "Training", ("sample",), 600.0),  # and the time that it was given
    Step("explanation", "Explanations", ("training",)),
    Step("export", "Exported pages", ("training",)),
    Step("audit", "A signed audit and its report", ("training",)),
    Step(
        WINDOW,
        "The window",
        ("training",),
        240.0,
        "Update the graphics driver; if it fails again, send this report on.",
    ),
    Step(NETWORK, "No network"),
    Step(CLEAN, "Nothing left behind", (), 60.0, "Delete what is named, and restart the computer if it cannot be."),
)
