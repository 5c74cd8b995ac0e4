"""One file per way of carrying bytes to a transform's server and back; see `etl.channel`."""
