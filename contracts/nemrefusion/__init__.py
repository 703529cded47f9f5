"""NemRefusion: the notifications that reporters send, and the receipts they get."""
