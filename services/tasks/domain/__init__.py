"""What citizens are asked to do, and by when. Pure: no clock, no I/O."""
