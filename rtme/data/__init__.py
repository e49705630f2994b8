"""Material to learn from: who is in it, how it is split, and the cache it is rendered into."""
