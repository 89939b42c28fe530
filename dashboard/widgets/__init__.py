"""Parts of pages; each owns the session keys that begin with the `key` it is given."""
