"""AIStore's AuthN service: logins, tokens, users, roles and clusters, served by the node itself."""
