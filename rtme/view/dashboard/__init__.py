"""A page in the browser that shows what a service says, live: a subscriber like any other, with a small web server."""
