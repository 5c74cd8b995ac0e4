"""`python -m appliance` is the `sluice` command."""

from appliance.cli import main

main()
