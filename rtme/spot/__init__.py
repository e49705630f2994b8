"""From features on a time grid to intervals and turns. Pure: numpy only, no clock, no I/O."""
