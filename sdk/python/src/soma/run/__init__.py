"""One process of an agent: registration, deliveries, leases, settling."""
