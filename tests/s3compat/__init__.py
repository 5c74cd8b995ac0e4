"""Black-box tests of S3, for this node and for any other endpoint; each names the point of the checklist that it shows."""
