"""The end of STAGE: a refined description and a pair become a clip, and clips become a film (eq. 10)."""
