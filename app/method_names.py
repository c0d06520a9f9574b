"""What the window calls the methods of explanation."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication


def tr(text: str) -> str:
    return QCoreApplication.translate("Method", text)


def method_name(name: str) -> str:
    """A method's name in the user's language; one that is not known here keeps the engine's."""
    names = {
        "auto": tr("Automatic"),
        "contribution": tr("Contribution"),
        "attention": tr("Attention"),
        "rollout": tr("Attention rollout"),
        "relevance": tr("Relevance"),
        "gradient_x_input": tr("Gradient × input"),
        "integrated_gradients": tr("Integrated gradients"),
        "smoothgrad": tr("SmoothGrad"),
        "occlusion": tr("Occlusion"),
        "occlusion_regions": tr("Occlusion of regions"),
        "lime": tr("LIME"),
        "shapley": tr("Shapley values"),
        "shapley_modalities": tr("Shapley values of modalities"),
        "deep_integrated_gradients": tr("Integrated gradients, deep"),
        "deep_occlusion": tr("Occlusion, deep"),
        "deep_rollout": tr("Attention rollout, deep"),
        "deep_relevance": tr("Relevance, deep"),
    }
    return names.get(name, name)
