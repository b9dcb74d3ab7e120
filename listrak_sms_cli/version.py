"""The version of lsms, in one place."""

VERSION = "0.1.0"
