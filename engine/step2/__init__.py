"""STEP²: shot and history -> start-end frame pair (STAGE, sec. 4.1). Its import loads no torch."""
