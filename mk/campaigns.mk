.PHONY: crash
crash: $(VENV)/.test ## kill -9 at random moments under traffic, and a check that a broken commit order is caught
	@$(VENV)/bin/python -m tests.campaigns.crash $(CRASH_ARGUMENTS)
	@$(VENV)/bin/python -m tests.campaigns.crash --break

.PHONY: memory scale
memory: $(VENV)/.test debian-packages ## a worker's memory at rest and under eight clients with 2 GiB objects
	@$(VENV)/bin/python -m tests.campaigns.memory $(MEMORY_ARGUMENTS)

scale: $(VENV)/.test debian-packages ## a million objects: start, listing, ageing of the index
	@$(VENV)/bin/python -m tests.campaigns.scale $(SCALE_ARGUMENTS)

.PHONY: jobs
jobs: $(VENV)/.test ## a job over 100,000 small objects: its speed, its abort, its end after kill -9
	@$(VENV)/bin/python -m tests.campaigns.jobs $(JOBS_ARGUMENTS)
