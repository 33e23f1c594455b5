"""What a checkpoint can do, in numbers (STAGE, sec. 5.2): consistency, transitions, facts of the world."""
