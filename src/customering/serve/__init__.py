"""The process: one ASGI application on one home, started and stopped with care."""
