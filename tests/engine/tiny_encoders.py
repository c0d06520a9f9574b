"""Tiny randomly initialised models of every family, written to disk as `save_pretrained` writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from engine.features.hf import quiet_transformers
from engine.files import write_json

WORDS = ["A waterproof jacket 防水外套 for rain.", "Kept me dry, says the shopper.", "Product number red blue 外套"] * 4
ROOM = 40  # positions of the tiny text models


def byte_level() -> Any:
    """A byte-level BPE tokenizer, as GPT-2 and Llama have: no padding piece, blanks inside pieces."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(WORDS, trainer)
    return quiet_transformers().PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>")


def word_pieces() -> Any:
    """A WordPiece tokenizer with BERT's class and end pieces."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    named = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    trainer = trainers.WordPieceTrainer(vocab_size=200, special_tokens=named, show_progress=False)
    tokenizer.train_from_iterator(WORDS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return quiet_transformers().PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    )


_SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
_TEXT = {**_SMALL, "vocab_size": 300, "max_position_embeddings": ROOM}
_PHOTO = {**_SMALL, "image_size": 32, "patch_size": 8}
_WAVE = {
    **_SMALL,
    "vocab_size": 8,
    "conv_dim": [16, 16, 16],
    "conv_kernel": [10, 8, 4],
    "conv_stride": [10, 8, 4],
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
}
_ENDS = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}

TEXT_MODELS: dict[str, tuple[Callable[[Any], Any], Callable[[], Any]]] = {
    "bert": (lambda t: t.BertModel(t.BertConfig(**_TEXT)), word_pieces),
    "roberta": (lambda t: t.RobertaModel(t.RobertaConfig(**_TEXT, pad_token_id=0)), word_pieces),
    "gpt2": (
        lambda t: t.GPT2Model(t.GPT2Config(n_embd=32, n_layer=2, n_head=2, vocab_size=300, n_positions=ROOM)),
        byte_level,
    ),
    "llama": (lambda t: t.LlamaModel(t.LlamaConfig(**_TEXT, num_key_value_heads=1, **_ENDS)), byte_level),
    "clip": (lambda t: clip(t), word_pieces),
    "siglip": (lambda t: siglip(t), word_pieces),
}
IMAGE_MODELS: dict[str, Callable[[Any], Any]] = {
    "vit": lambda t: t.ViTModel(t.ViTConfig(**_PHOTO)),
    "dinov2": lambda t: t.Dinov2Model(t.Dinov2Config(**{**_PHOTO, "image_size": 64}, mlp_ratio=2)),
    "dinov2_with_registers": lambda t: t.Dinov2WithRegistersModel(
        t.Dinov2WithRegistersConfig(**_PHOTO, mlp_ratio=2, num_register_tokens=3)
    ),
    "clip": lambda t: clip(t),
    "siglip": lambda t: siglip(t),
}
AUDIO_MODELS: dict[str, Callable[[Any], Any]] = {
    "wav2vec2": lambda t: t.Wav2Vec2Model(t.Wav2Vec2Config(**_WAVE)),
    "hubert": lambda t: t.HubertModel(t.HubertConfig(**_WAVE)),
    "whisper": lambda t: t.WhisperModel(
        t.WhisperConfig(
            d_model=32,
            encoder_layers=2,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=48,
            decoder_ffn_dim=48,
            vocab_size=20,
            num_mel_bins=16,
            max_source_positions=150,
            max_target_positions=8,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
            decoder_start_token_id=1,
        )
    ),
}


def clip(transformers: Any) -> Any:
    text = {**_TEXT, "projection_dim": 16, **_ENDS}
    config = transformers.CLIPConfig(text_config=text, vision_config={**_PHOTO, "projection_dim": 16})
    return transformers.CLIPModel(config)


def siglip(transformers: Any) -> Any:
    config = transformers.SiglipConfig(text_config={**_TEXT, **_ENDS}, vision_config=_PHOTO)
    return transformers.SiglipModel(config)


def save(folder: Path, make: Callable[[Any], Any], tokenizer: Callable[[], Any] | None = None, **photo: Any) -> Path:
    """Write one model, and its tokenizer or preprocessor settings, to a folder."""
    torch.manual_seed(0)
    make(quiet_transformers()).save_pretrained(str(folder))
    if tokenizer is not None:
        tokenizer().save_pretrained(str(folder))
    if photo:
        write_json(folder / "preprocessor_config.json", photo)
    return folder
