"""Sluice's benchmark: eight S3 workloads against a node and, where it can serve them, an nginx beside it.

`make bench` runs all of them; `make bench ONLY=get4k,put4k` a part. CPU time per operation is the figure that holds on
a noisy machine, and the ratio to nginx measured in turn in the same run the one that holds across machines.
"""
