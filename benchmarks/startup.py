"""How long an import takes: python benchmarks/startup.py."""

from sidebyside import compare

compare(
    "Import",
    {"rlkit": "import rlkit", "stable_baselines3": "import stable_baselines3", "gymnasium alone": "import gymnasium"},
    runs=5,
)
