"""The same servers from official images, where an engine answers."""
