.PHONY: crash
crash: $(VENV)/.test ## kill -9 at random moments under traffic, and a check that a broken commit order is caught
	@$(VENV)/bin/python -m tests.campaigns.crash $(CRASH_ARGUMENTS)
	@$(VENV)/bin/python -m tests.campaigns.crash --break
