"""What a service tells about itself: logs as JSON lines, metrics for Prometheus. Neither ever holds an id of a person or a text."""
