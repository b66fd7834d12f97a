"""The shape matrix: every form of call, sync and async, against the installed SDK."""
