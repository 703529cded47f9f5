"""Capabilities with no domain word in them: bus, inbox, outbox, jobs, postgres, sealing, clock, audit, telemetry, service.

Nothing here knows what a notification or a letter is; nothing here imports `contracts` or `services`.
"""
