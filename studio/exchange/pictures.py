"""Pictures that come from outside: checked, and written anew, so that only pixels come in.

What is stored is an 8-bit sRGB PNG without any metadata: no place, no camera, no comment, and nothing that a
browser could take for anything but a picture.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms, ImageOps

from engine.errors import BadInput
from engine.step2.frames import fit, png

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_BYTES = 15_000_000
MAX_PIXELS = 50_000_000
MIN_SIDE = 16
MAX_SIDE = 2048
"""A larger picture is made smaller: memory never shows it larger than a frame."""
_BEHIND = (255, 255, 255)
"""What shows through a transparent picture: white, as paper does. Who cuts out a person, or draws on a clear
sheet, sees it on white in nearly every program; grey would be remembered as part of the look.
"""


@dataclass(frozen=True)
class CheckedPicture:
    """A PNG file of its own making, and its size in pixels."""

    png: bytes
    width: int
    height: int


def check_picture(data: bytes) -> CheckedPicture:
    """The uploaded picture at its own shape, on white where it is transparent. Raises BadInput with one
    sentence for anything else.
    """
    image = _open(data)
    image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    return CheckedPicture(png(np.asarray(image)), image.width, image.height)


def check_frame(data: bytes, width: int, height: int) -> CheckedPicture:
    """The uploaded picture as a frame of a film: on white where it is transparent, scaled to cover width x
    height, and centre-cropped.
    """
    return CheckedPicture(png(np.asarray(fit(_open(data), width, height))), width, height)


def check_png(data: bytes) -> None:
    """Raises BadInput for what is no whole PNG file, or has more pixels than a picture may have."""
    _open(data, ("PNG",))


def _open(data: bytes, formats: tuple[str, ...] = FORMATS) -> Image.Image:
    """The whole picture, upright, 8-bit RGB."""
    if len(data) > MAX_BYTES:
        raise BadInput(f"This file is too large: choose a picture of at most {MAX_BYTES // 1_000_000} MB.")
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=formats) as image:
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            if image.width * image.height > MAX_PIXELS:
                raise BadInput(
                    f"This picture has more than {MAX_PIXELS // 1_000_000} megapixels: shrink it first."
                )
            if min(image.size) < MIN_SIDE:
                raise BadInput(f"This picture is smaller than {MIN_SIDE} pixels: choose a larger one.")
            image.load()
            return _plain(image)
    except Image.DecompressionBombError as error:
        raise BadInput(
            f"This picture has more than {MAX_PIXELS // 1_000_000} megapixels: shrink it first."
        ) from error
    except (OSError, ValueError, SyntaxError) as error:
        # SyntaxError is what Pillow raises for a damaged chunk of a PNG
        raise BadInput("This is not a whole PNG, JPEG or WebP picture: choose another file.") from error


def _plain(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # 16 bits of grey
        image = image.point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in ("P", "PA", "LA") or "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode == "RGBA":
        behind = Image.new("RGBA", image.size, (*_BEHIND, 255))
        image = Image.alpha_composite(behind, image).convert("RGB")
    if profile and image.mode in ("RGB", "CMYK"):
        image = _to_srgb(image, profile)
    return image.convert("RGB")


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """The picture's colours as a screen without colour management shows them right; unchanged for a profile
    that cannot be read.
    """
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        found = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return image
    return found or image
