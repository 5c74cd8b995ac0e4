"""HTTP/1.1 on a socket: heads read, bodies received, replies sent. Knows no S3 and no Flask."""
