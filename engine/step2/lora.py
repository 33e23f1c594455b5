"""LoRA for both models of STEP²: the understanding model E_mu and the generation model E_gen (sec. 5.1).

diffusers' Qwen-Image adapters hold the transformer alone. Ours are the same file with the layers of the
understanding model beside it, under `text_encoder.`; a file without them loads as in diffusers.
"""

from __future__ import annotations

import os
from typing import Any, ClassVar

from diffusers.loaders import QwenImageLoraLoaderMixin
from peft import LoraConfig, inject_adapter_in_model
from peft.utils import set_peft_model_state_dict
from torch import Tensor, nn

GENERATION, UNDERSTANDING = "transformer", "text_encoder"
LoraLayers = dict[str, nn.Module] | dict[str, Tensor]


class Step2LoraLoaderMixin(QwenImageLoraLoaderMixin):
    """`load_lora_weights`, `save_lora_weights` and `fuse_lora` for both models."""

    _lora_loadable_modules: ClassVar[list[str]] = [GENERATION, UNDERSTANDING]

    def load_lora_weights(
        self,
        pretrained_model_name_or_path_or_dict: str | os.PathLike[str] | dict[str, Tensor],
        adapter_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Adds an adapter from a folder, a file or a state dict to the models that it has layers for.

        Raises ValueError when it holds anything but LoRA layers of the two models.
        """
        state, metadata = self.lora_state_dict(
            pretrained_model_name_or_path_or_dict, return_lora_metadata=True, **kwargs
        )
        known = tuple(f"{name}." for name in self._lora_loadable_modules)
        strange = [key for key in state if "lora" not in key or not key.startswith(known)]
        if strange or not state:
            found = f"it holds {strange[0]}" if strange else "it is empty"
            raise ValueError(
                f"These are not LoRA weights of {' and '.join(self._lora_loadable_modules)}: {found}."
            )
        name = adapter_name or f"step2_{len(getattr(self.transformer, 'peft_config', {}))}"
        if any(key.startswith(known[0]) for key in state):
            self.load_lora_into_transformer(
                state, self.transformer, adapter_name=name, metadata=metadata, _pipeline=self
            )
        layers = _under(state, UNDERSTANDING)
        if layers:
            config = _config(layers, _under(metadata or {}, UNDERSTANDING))
            # by peft itself: transformers 5.24 asks here for a peft that is not released yet
            inject_adapter_in_model(config, self.text_encoder, name)
            set_peft_model_state_dict(self.text_encoder, layers, adapter_name=name)

    @classmethod
    def save_lora_weights(
        cls,
        save_directory: str | os.PathLike[str],
        transformer_lora_layers: LoraLayers | None = None,
        text_encoder_lora_layers: LoraLayers | None = None,
        transformer_lora_adapter_metadata: dict[str, Any] | None = None,
        text_encoder_lora_adapter_metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Writes `pytorch_lora_weights.safetensors` in diffusers' LoRA format."""
        layers = {GENERATION: transformer_lora_layers, UNDERSTANDING: text_encoder_lora_layers}
        metadata = {
            GENERATION: transformer_lora_adapter_metadata,
            UNDERSTANDING: text_encoder_lora_adapter_metadata,
        }
        given = {name: of for name, of in layers.items() if of}
        if not given:
            raise ValueError("Pass the LoRA layers of at least one of the two models.")
        cls._save_lora_weights(
            save_directory=save_directory,
            lora_layers=given,
            lora_metadata={name: metadata[name] for name in given},
            **kwargs,
        )

    def fuse_lora(self, *args: Any, **kwargs: Any) -> None:
        """diffusers' own; peft writes into the weights in a way that torch does not count as a change."""
        super().fuse_lora(*args, **kwargs)
        self.weights_changed()

    def unfuse_lora(self, *args: Any, **kwargs: Any) -> None:
        """diffusers' own."""
        super().unfuse_lora(*args, **kwargs)
        self.weights_changed()

    def unload_lora_weights(self) -> None:
        """diffusers' own."""
        super().unload_lora_weights()
        self.weights_changed()

    def weights_changed(self) -> None:
        """Called after weights were written to: what was computed with the old ones must be forgotten."""

    def merge_lora(self) -> None:
        """Adds every loaded adapter to the weights for good: nothing is computed beside them afterwards."""
        with_adapters = [
            n for n in self._lora_loadable_modules if getattr(getattr(self, n), "peft_config", None)
        ]
        self.fuse_lora(components=with_adapters)
        self.unload_lora_weights()


def _under(values: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {key[len(prefix) + 1 :]: value for key, value in values.items() if key.startswith(f"{prefix}.")}


def _config(layers: dict[str, Tensor], metadata: dict[str, Any]) -> LoraConfig:
    """The adapter's own configuration; without one its rank is read off the layers, and alpha is the rank."""
    if metadata:
        return LoraConfig(**metadata)
    down = {
        key.removesuffix(".lora_A.weight"): of for key, of in layers.items() if key.endswith("lora_A.weight")
    }
    rank = int(next(iter(down.values())).shape[0])
    return LoraConfig(r=rank, lora_alpha=rank, target_modules=sorted(down))
