"""What anyone can check of what they hold, offline: pure, a module a kind of document."""
