"""One episode of a model, kept to be looked at: replayed in the browser, as an animation, as a strip of stills."""

from rlkit.watching.episode import record
from rlkit.watching.recording import Recording

__all__ = ["Recording", "record"]
