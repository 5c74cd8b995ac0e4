"""Archives that lie in objects, and archives made of objects: TAR, gzip and LZ4 over TAR, ZIP."""
