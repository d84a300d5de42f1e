"""One module a room: what its speed is, measured here and now."""
