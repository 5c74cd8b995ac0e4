"""One file per place where the servers of transforms can run; see `etl.runtime`."""
