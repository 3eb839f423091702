"""What an application's own migration tool must be told, so that it leaves alone what our revisions have created."""
