"""Personal data: found, masked, restored."""
