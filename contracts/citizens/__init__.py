"""The vault: what services ask it over HTTP, and the one client they ask with."""
