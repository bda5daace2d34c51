"""The command line: each command parses, makes one call on the façade, and prints."""
