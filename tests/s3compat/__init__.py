"""Black-box tests of S3, for this node and for any other endpoint; each names the checklist's point that it shows."""
