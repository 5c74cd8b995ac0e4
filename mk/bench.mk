.PHONY: bench
bench: $(VENV)/.test debian-packages ## CPU time by workload beside nginx; ONLY=get4k,put4k runs a part, ROUNDS=1 once
	@$(VENV)/bin/python -m tests.bench --only "$(ONLY)" $(if $(ROUNDS),--rounds $(ROUNDS)) $(BENCH_ARGUMENTS)

.PHONY: bench-copy
bench-copy: $(VENV)/.test ## one object copied by the API, by a job and by a client, from 64 KiB to 1 GiB: table and plot
	@$(VENV)/bin/python -m tests.bench.copies $(BENCH_COPY_ARGUMENTS)
