"""NumPy numerics that know nothing of reinforcement learning."""
