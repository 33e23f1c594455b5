"""Tests of clips, films and the motion in between."""
