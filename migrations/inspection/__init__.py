"""What a database that others have built looks like to us: read in one read-only transaction, changed by nothing.

`shapes.py` compares by definition, `takeover.py` says what that means for each revision, `lineage.py`, `hazards.py` and
`forecast.py` look at where it comes from, at its rows and at what a migration would lock; `site.py` puts it together.
"""
