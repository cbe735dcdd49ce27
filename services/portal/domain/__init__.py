"""What pages show and forms read, without I/O."""
