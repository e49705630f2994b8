"""Bridges: a service's events, carried on to MQTT, to a web server or to standard output."""
