"""What the vault does, one file per verb.

Invariants: each is one transaction, and its audit entries are part of it: who cannot be audited is not served, and what was
not committed is not told.
"""
