"""The laws: independent checkers of what must hold under every fault.

Invariants: nothing of ours is imported here. Logs, tables and ledgers are read as they are, by names and formats
written down a second time, so that a mistake in the product is not repeated by its judge. A checker is a pure
function from evidence to a verdict; one that finds nothing to judge fails, because a judge who saw nothing has not
acquitted anybody.
"""
