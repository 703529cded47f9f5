"""The public post gateway (SF1601 KombiPostAfsend, PostForespørgsel, status messages), played."""
