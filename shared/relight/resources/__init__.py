"""How AWS shows each kind of resource and how it mends it: a module a kind, all of one shape (kind.py)."""
