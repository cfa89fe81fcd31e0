"""Pictures that people upload, read by content and written anew, so that nothing else rides along."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

from core.errors import DomainError
from core.i18n import _

MAX_BYTES = 5 * 1024 * 1024
MAX_PIXELS = 40_000_000
LONGEST_SIDE = 2000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


def reencode(content: bytes, *, field: str | None = None) -> tuple[bytes, str]:
    """The picture as (bytes, media type): PNG when it has transparency, JPEG otherwise.

    Turned upright, without metadata, at most 2000 pixels long.

    Raises:
        DomainError: too large, or no PNG, JPEG, WebP or GIF by its content.
    """
    if len(content) > MAX_BYTES:
        raise DomainError(
            _("The picture is larger than 5 MB: choose a smaller one."),
            code="picture_size",
            field=field,
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _written_anew(content)
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
        OSError,
        ValueError,
        SyntaxError,
    ):
        raise DomainError(
            _("This file is not a picture: choose a PNG or JPEG."), code="picture", field=field
        ) from None


def _written_anew(content: bytes) -> tuple[bytes, str]:
    with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
        if opened.width * opened.height > MAX_PIXELS:
            raise ValueError("too many pixels")
        upright = ImageOps.exif_transpose(opened)
        has_alpha = upright.has_transparency_data
        picture = upright.convert("RGBA" if has_alpha else "RGB")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    out = io.BytesIO()
    if has_alpha:
        picture.save(out, "PNG", optimize=True)
        return out.getvalue(), "image/png"
    picture.save(out, "JPEG", quality=85, optimize=True)
    return out.getvalue(), "image/jpeg"
