.PHONY: bucket-properties
bucket-properties: $(VENV)/.runtime ## write docs/bucket-properties.md anew from the table of properties
	@$(VENV)/bin/python -c 'from nativeapi.property_table import markdown; print(markdown(), end="")' > docs/bucket-properties.md
