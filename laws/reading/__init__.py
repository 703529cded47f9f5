"""Takes the evidence as it lies: no interpretation, nothing of ours, one file per place."""
