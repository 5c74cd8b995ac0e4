"""S3 clients, each unmodified, against a real node."""
