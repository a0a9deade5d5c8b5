"""Settings of the image engine: one place for every key, its default and its range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from suwen.core.errors import UnknownSetting, nearest


class ImageSettings(BaseModel):
    """What ``--set key=value`` may change. ``None`` (``null``) is chosen from the data: see ``recipe``."""

    # Values come as JSON: --set devices=2 is a number where "auto" is text.
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    network: Literal["compact", "resnet18", "densenet121", "seed_cnn"] = Field(
        "compact", description="network architecture"
    )
    size: int | None = Field(None, ge=8, le=1024, description="side of the square input in pixels")
    width: int = Field(0, ge=0, le=512, description="channels of the first stage; 0: the network's own")
    epochs: int | None = Field(None, ge=1, le=1000, description="most epochs per member")
    batch_size: int | None = Field(None, ge=2, le=4096, description="images per step")
    learning_rate: float | None = Field(None, gt=0, le=1.0, description="peak of the cosine schedule")
    weight_decay: float | None = Field(None, ge=0, le=1.0, description="AdamW's decay")
    dropout: float = Field(0.2, ge=0, lt=1, description="dropout before the head")
    label_smoothing: float = Field(0.05, ge=0, lt=0.5, description="share of the target spread over classes")
    augment: Literal["none", "mild", "firm"] | None = Field(None, description="kind of augmentation")
    augment_strength: float = Field(1.0, ge=0, le=3, description="factor on every size of it")
    flip: bool | None = Field(None, description="mirror left and right, in training and in answering")
    normalise: Literal["image", "data"] = Field(
        "image", description="standardise by each image, or by the training set"
    )
    class_weights: bool = Field(False, description="weigh classes by inverse frequency")
    patience: int = Field(
        0, ge=0, le=1000, description="epochs without better validation; 0: never stop early"
    )
    ensemble: int | None = Field(None, ge=1, le=20, description="members with different seeds")
    folds: int | None = Field(None, ge=0, le=20, description="k-fold members instead; 0: none")
    baseline: bool = Field(True, description="train HOG + logistic regression beside it")
    threads: int = Field(0, ge=0, le=256, description="CPU threads; 0: one for small images, else all")
    devices: str = Field("auto", description="Lightning devices: auto, 1, 2 ...")
    strategy: str = Field("auto", description="Lightning strategy: auto, ddp, fsdp ...")
    precision: Literal["auto", "32-true", "16-mixed", "bf16-mixed"] = Field(
        "auto", description="mixed on a GPU, full on a CPU"
    )
    quantise: bool = Field(True, description="export int8 beside fp32")

    @field_validator("folds")
    @classmethod
    def _no_single_fold(cls, folds: int | None) -> int | None:
        if folds == 1:
            raise ValueError("0 makes no folds; otherwise there are at least 2")
        return folds


def setting_names() -> tuple[str, ...]:
    """Keys the image engine understands."""
    return tuple(ImageSettings.model_fields)


def check(values: Mapping[str, Any]) -> dict[str, Any]:
    """Check values against the ranges and fill in defaults.

    Raises
    ------
    UnknownSetting
        For an unknown key, naming the nearest; or a value out of range, naming the range.
    """
    unknown = [key for key in values if key not in ImageSettings.model_fields]
    if unknown:
        raise UnknownSetting(
            f"the image engine has no setting '{unknown[0]}'", fix=nearest(unknown[0], setting_names())
        )
    try:
        return ImageSettings(**values).model_dump()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UnknownSetting(
            f"the setting '{first['loc'][0]}' cannot be {values[str(first['loc'][0])]!r}",
            fix=first["msg"],
        ) from None
