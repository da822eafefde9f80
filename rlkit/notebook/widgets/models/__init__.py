"""The models that a registry keeps, by hand: a table of them, what is known of each, and what can be done with it."""
