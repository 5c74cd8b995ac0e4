"""The S3 wire protocol: routes, parsing and rendering from the vendor's model, signatures, errors, operations."""
