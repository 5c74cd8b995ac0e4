"""The downloader: objects fetched from the web by a job, asked for under /v1/download."""
