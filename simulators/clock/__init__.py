"""The clock of a demonstration: domain time that somebody turns."""
