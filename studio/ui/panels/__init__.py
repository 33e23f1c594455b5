"""The panels of the page: each file is one panel's layout and its events; its script lies beside it."""
