"""Classical spotters that learn nothing but a threshold: what a trained engine must be better than."""
