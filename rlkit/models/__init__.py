"""The algorithms, one file each. A new file here is found by the factory; nothing else needs to change."""
