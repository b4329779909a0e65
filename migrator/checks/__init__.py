"""The checks a release passes before and after it goes live: one module per group of checks.

Each check is a function that returns a Check with its evidence; none of them raises for a site
that is broken, and none changes anything. Where each comes from: docs, field notes.
"""
