"""Users, roles and clusters as AIStore's AuthN knows them, in the node's catalog."""
