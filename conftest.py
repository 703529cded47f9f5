"""Every test may ask for the real servers; see tests/support/fixtures.py."""

pytest_plugins = ["tests.support.fixtures"]
