"""Everything that needs IPython: nothing outside this folder does."""
