"""Clips by services on the network: one renderer, and a small client for each service."""
