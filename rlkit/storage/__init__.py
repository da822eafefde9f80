"""What rlkit knows about bytes: writing them safely, encoding a model's state, and one portable file."""
