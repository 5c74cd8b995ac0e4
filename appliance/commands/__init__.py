"""The subcommands of `sluice`, a module each."""
