"""Films on disk in the form of ConStoryboard (STAGE, sec. 3): words, start, end and internal frames."""
