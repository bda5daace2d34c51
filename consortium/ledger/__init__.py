"""The record that an auditor can check: entries, hash trees, checkpoints, proofs.

Pure: no file, database, clock or randomness. `entries` and `leaves` say what may be recorded,
`canonical` how it is spelt, `merkle` how it is bound together, `note` and `checkpoint` how it is
signed, `proof` how a piece of it is shown to somebody else, `export` how all of it is handed out,
`verify_export` how anybody checks that with Python and OpenSSL alone.
"""
