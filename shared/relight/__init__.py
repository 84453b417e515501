"""Relight turns AWS logging back on when somebody turns it off."""
