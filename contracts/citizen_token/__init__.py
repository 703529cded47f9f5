"""The short-lived token by which the portal says for whom it asks."""
