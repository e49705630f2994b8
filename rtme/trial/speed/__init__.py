"""How fast it is on this machine: latency, throughput, memory, backends, and what caching features saves."""
