"""Engine bundles on disk, and the backends that run them."""
