"""STAGE as a library: director, STEP² start-end pairs, refiner, video. Importing it loads no torch."""
