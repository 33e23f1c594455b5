"""STAGE Studio: the application around the engine. Importing it loads no torch."""
