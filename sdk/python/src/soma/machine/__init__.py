"""State machines: plain data with conditions and templates."""
