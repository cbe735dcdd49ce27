"""A round's recorded applications replayed from their topic under its own policy and another one."""
