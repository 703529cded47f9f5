"""`@pytest.mark.rule("N5", "T16")`: which rules of docs/rules.md a test defends; `--rule N5` runs what defends that one alone."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rule", action="append", metavar="ID", help="only what defends this rule (docs/rules.md); may be repeated"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not (wanted := config.getoption("rule")):
        return
    defends = [any(rule in mark.args for mark in item.iter_markers("rule") for rule in wanted) for item in items]
    config.hook.pytest_deselected(items=[item for item, one in zip(items, defends, strict=True) if not one])
    items[:] = [item for item, one in zip(items, defends, strict=True) if one]
