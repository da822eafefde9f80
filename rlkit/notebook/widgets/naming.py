"""Names to keep models under, where a person has typed none."""

from __future__ import annotations

import re


def name_for(environment: str) -> str:
    """Return a name that the registry allows.

    Args:
        environment: Name of the environment, such as ``"CartPole-v1"``; may be empty.
    """
    return re.sub(r"[^a-z0-9]+", "-", environment.lower()).strip("-") or "model"
