"""The vault: keys, and everything that is closed with them.

| module | what it closes |
|---|---|
| `keys` | secrets, behind a provider; on disk under a passphrase |
| `seal` | a row's details and match block, bound to its place |
| `wrap`, `wraps` | an upload's data key, for its owner or, with approval, for the host |
| `pack_file` | a list on its way from partner to host |
| `signed`, `cards` | documents and public cards, as signed notes |

Callers import the module they need; nothing here touches a database.
"""
