"""A framework for transforms' servers, call-compatible with `aistore.sdk.etl.webserver`."""
