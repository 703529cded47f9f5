"""The demonstration: everything from nothing, with real notifications, faults in between, and an account a person can read."""
