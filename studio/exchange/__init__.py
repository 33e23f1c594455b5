"""Ways in and out: the film with its manifest as a bundle, and films that were made elsewhere."""
