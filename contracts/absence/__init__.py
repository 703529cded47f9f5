"""Absences as `intake` tells of them."""
