"""Buckets, objects, versions, uploads and jobs on volumes: the part of Sluice that knows no protocol."""
