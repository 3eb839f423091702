"""The jobs outside the database, as one would do them by hand today: COPY out, polars (or pandas), COPY in.

They fill the same tables with the same indexes and foreign keys, as they would have to, but from nothing: what is there
already is none of their business.
"""
