.PHONY: bucket-properties configuration
bucket-properties: $(VENV)/.runtime ## write docs/bucket-properties.md anew from the table of properties
	@$(VENV)/bin/python -c 'from nativeapi.property_table import markdown; print(markdown(), end="")' > docs/bucket-properties.md

configuration: $(VENV)/.runtime ## write docs/configuration.md anew from the table of the cluster's configuration
	@$(VENV)/bin/python -c 'from nativeapi.configuration.rows import markdown; print(markdown(), end="")' > docs/configuration.md
