"""Hooks, calls and streams: how a provider's SDK is watched without being changed. Imports no provider SDK."""
