"""What the commands that speak to a node have in common: names, options, output, waiting, moving many files."""
