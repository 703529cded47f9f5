"""The vault: the only place that holds CPR numbers, names, addresses, and the citizens' keys."""
