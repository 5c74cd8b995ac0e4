"""The engines of the index: LMDB on a disk, and one in memory for tests."""
