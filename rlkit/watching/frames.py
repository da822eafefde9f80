"""Frames that an environment renders: a few of many, evenly spaced and small, as an animation and as a strip."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rlkit.watching.filmstrip import moments

if TYPE_CHECKING:
    from PIL.Image import Image

Frames = NDArray[np.uint8]

MOST_BYTES = 300_000
"""Of an animation: frames are left out and made smaller until it has no more."""
MOST_BYTES_OF_STILLS = 1_000_000
"""Of stills, which no notebook keeps."""
_MOST_FRAMES = 100
_LONGEST_SIDE = 320
_COLOURS = 64
_STRIP_WIDTH, _STRIP_GAP = 610, 8
_SHOWN_LAST = 1500  # milliseconds, before the animation begins anew


class FrameRoll:
    """Keeps frames of an episode whose length is not known yet: when there are too many, every second one goes.

    Attributes:
        steps: The step of each frame.
    """

    def __init__(self, most: int = _MOST_FRAMES) -> None:
        self._most = most
        self._stride = 1
        self._frames: list[Frames] = []
        self.steps: list[int] = []

    def wants(self, step: int) -> bool:
        """Whether the frame at ``step`` is one to keep."""
        return step % self._stride == 0

    def add(self, step: int, frame: Frames) -> None:
        """Keep a frame, uint8 ``(height, width, 3)``, smaller where it is large."""
        self._frames.append(_shrunk(frame, -(-max(frame.shape[:2]) // _LONGEST_SIDE)))
        self.steps.append(step)
        if len(self._frames) > self._most:
            del self._frames[1::2], self.steps[1::2]
            self._stride *= 2

    def frames(self) -> Frames:
        """Return all frames, uint8 ``(frames, height, width, 3)``."""
        return np.stack(self._frames)


def _shrunk(frames: Frames, factor: int) -> Frames:
    """Return pictures ``(…, height, width, 3)`` at one of ``factor`` of their size, by means of squares of pixels."""
    if factor <= 1:
        return frames.copy()
    *rest, height, width, colours = frames.shape
    rows, columns = height // factor, width // factor
    cut = frames[..., : rows * factor, : columns * factor, :]
    squares = cut.reshape(*rest, rows, factor, columns, factor, colours)
    shrunk: Frames = np.rint(squares.mean(axis=(-4, -2))).astype(np.uint8)
    return shrunk


def gif(frames: Frames, steps: NDArray[np.int64], rate: float) -> bytes:
    """Return an animation that begins anew at its end.

    Args:
        frames: uint8 ``(frames, height, width, 3)``.
        steps: The step of each frame.
        rate: Steps a second; a long episode, of which few steps have a frame, is played faster.

    Returns:
        A GIF of at most :data:`MOST_BYTES`, wherever that can be had by leaving out and shrinking.
    """
    (data,), _ = _lightened(lambda frames, steps: [_animated(frames, steps, rate)], frames, steps, MOST_BYTES)
    return data


def stills(frames: Frames, steps: NDArray[np.int64]) -> tuple[list[bytes], NDArray[np.int64]]:
    """Return frames as a PNG each, and the steps of those that are left.

    Args:
        frames: uint8 ``(frames, height, width, 3)``.
        steps: The step of each frame.

    Returns:
        At most :data:`MOST_BYTES_OF_STILLS` together, wherever that can be had by leaving out and shrinking.
    """

    def encode(frames: Frames, _: object) -> list[bytes]:
        return [_png(frame) for frame in _with_few_colours(frames)]

    return _lightened(encode, frames, steps, MOST_BYTES_OF_STILLS)


def _lightened(
    encode: Callable[[Frames, NDArray[np.int64]], list[bytes]], frames: Frames, steps: NDArray[np.int64], most: int
) -> tuple[list[bytes], NDArray[np.int64]]:
    """Return what encoding gives of at most so many bytes, and the steps of the frames that are left for that."""
    data = encode(frames, steps)
    while sum(map(len, data)) > most and len(frames) > 2:  # noqa: PLR2004 - the two ends remain
        if len(frames) > _MOST_FRAMES // 2:
            kept = moments(len(frames) - 1, len(frames) // 2)
            frames, steps = frames[kept], steps[kept]
        elif min(frames.shape[1:3]) > 1:
            frames = _shrunk(frames, 2)
        else:
            break
        data = encode(frames, steps)
    return data, steps


def _animated(frames: Frames, steps: NDArray[np.int64], rate: float) -> bytes:
    first, *others = _with_few_colours(frames)
    # Browsers slow down what is faster than 20 ms a frame; below 10 frames a second movement is no longer seen.
    shown = np.minimum(np.diff(steps) / rate, max(0.1, 1 / rate)) * 1000
    durations = [max(20, round(float(duration), -1)) for duration in shown]
    written = io.BytesIO()
    first.save(
        written,
        format="GIF",
        save_all=True,
        append_images=others,
        duration=[*durations, _SHOWN_LAST],
        loop=0,
        optimize=False,
    )
    return written.getvalue()


def _with_few_colours(frames: Frames) -> list[Image]:
    """Return frames in the colours that suit some of them best."""
    from PIL import Image  # noqa: PLC0415 - only where an animation is made

    sample = np.concatenate(frames[moments(len(frames) - 1)])
    palette = Image.fromarray(sample).quantize(_COLOURS)
    return [Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]


def strip(frames: Frames) -> bytes:
    """Return frames, uint8 ``(frames, height, width, 3)``, side by side as a PNG with nothing between them."""
    from PIL import Image  # noqa: PLC0415 - only where frames are shown

    count = len(frames)
    width = min((_STRIP_WIDTH + _STRIP_GAP) // count - _STRIP_GAP, max(frames.shape[2], 100))
    height = max(1, round(width * frames.shape[1] / frames.shape[2]))
    sheet = Image.new("RGBA", (count * (width + _STRIP_GAP) - _STRIP_GAP, height))
    for i, frame in enumerate(frames):
        sheet.paste(Image.fromarray(frame).resize((width, height)), (i * (width + _STRIP_GAP), 0))
    return _png(sheet.quantize(_COLOURS))


def _png(picture: Image) -> bytes:
    written = io.BytesIO()
    picture.save(written, format="PNG", optimize=True)
    return written.getvalue()
