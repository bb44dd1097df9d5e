"""What agents and events are declared with."""
