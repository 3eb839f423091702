"""The schema of every domain: Alembic revisions, the metadata at their head, and the runner that applies them.

Imports `orchestration.settings` and nothing else of the project. Data is moved by assets, never by a revision.
"""
