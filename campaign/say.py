"""A line to whoever watches."""


def say(line: str) -> None:
    print(f"campaign: {line}", flush=True)
