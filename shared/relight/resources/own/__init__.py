"""Relight's own parts, a module a type: `show` reads one, `repair` puts fields back, `again` makes what is gone.

All three go by the part's name. `show` gives the settings and the handles of policy.guard.Part, or None where the
part is gone; the other two are pure and give calls, in order.
"""
