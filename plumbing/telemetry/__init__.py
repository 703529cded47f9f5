"""What a service tells about itself: logs as JSON lines, metrics for Prometheus.

Neither ever holds a text or the id of a person.
"""
