"""The paper-theatre world: endless small films with exact annotations.

Flat shapes, few discrete choices, layers in true perspective, drawn with Skia. Training, dataset, metrics and
tests import it; nothing that draws for a user does.
"""
