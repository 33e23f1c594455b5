"""The durable queue, the process that works on it, and the supervisor that keeps that process alive."""
