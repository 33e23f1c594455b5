"""The refiner: D_i, C_i and the drawn pair become R_i, the text for a video model (eq. 9). No torch.

`PlainRefiner` measures the frames; `model_refiner.ModelRefiner` shows them to a language model.
"""

from engine.refiner.measure import PairMotion, measure_pair
from engine.refiner.plain_refiner import PlainRefiner, Refiner

__all__ = ["PairMotion", "PlainRefiner", "Refiner", "measure_pair"]
