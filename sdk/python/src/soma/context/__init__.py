"""What handlers get."""
