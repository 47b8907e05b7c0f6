"""One HTTP exchange as a state machine: events in, replies out, no I/O."""
