"""NemRefusion, played: reporters' notifications, good, odd, bad and repeated, the same ones again for the same seed."""
