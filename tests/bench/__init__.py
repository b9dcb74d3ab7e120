"""The race: `lsms push` against other ways to do the same job, on this machine. `make bench` runs it."""
