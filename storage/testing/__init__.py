"""What the storage promises, as functions that every engine and backend runs."""
