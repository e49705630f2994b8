"""Events on ZeroMQ: one publisher per service, any number of subscribers."""
