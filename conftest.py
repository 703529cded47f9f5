"""Every test may ask for the real servers (tests/support/fixtures.py) and say which rules it defends (tests/support/rules.py)."""

pytest_plugins = ["tests.support.fixtures", "tests.support.rules"]
