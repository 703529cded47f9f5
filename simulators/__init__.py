"""Outside systems, played: each has the interface of the real one, and a README that lists what it does not do."""
