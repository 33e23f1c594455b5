"""Training: the mini checkpoint from nothing, stage by stage, on two CPU cores."""
