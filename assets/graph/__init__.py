"""The graph: Neo4j kept equal to Postgres by a drained outbox, and proof of it by a nightly reconciliation."""
