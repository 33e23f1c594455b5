"""The page: Gradio on the outside, one file a panel inside. Importing it loads no torch."""
