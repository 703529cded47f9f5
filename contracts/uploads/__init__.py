"""The HTTP interface by which citizens' documents come in."""
