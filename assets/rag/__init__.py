"""Assets of the rag domain."""
