.PHONY: bench
bench: $(VENV)/.test debian-packages ## CPU time by workload beside nginx; ONLY=get4k,put4k runs a part, ROUNDS=1 once
	@$(VENV)/bin/python -m tests.bench --only "$(ONLY)" $(if $(ROUNDS),--rounds $(ROUNDS)) $(BENCH_ARGUMENTS)
