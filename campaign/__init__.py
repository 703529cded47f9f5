"""The fault campaign: breaks everything that can break, under load, then lets the laws judge what came of it.

Invariants: faults go to processes this program started, by pid, on loopback, bounded in number and time; the schedule
follows from the seed; each fault that was wished for must truly have struck, or the campaign fails and names it; what
is judged is judged by `laws/`, which knows nothing of us.
"""
