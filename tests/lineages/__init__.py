"""Databases as others have built them: nothing here is made by our revisions or our metadata."""
