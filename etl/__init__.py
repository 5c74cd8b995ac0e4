"""Named transforms, the servers that run them, and reading an object through one."""
