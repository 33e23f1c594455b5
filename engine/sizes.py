"""What the large models weigh, and what drawing with them takes. Needs no torch.

The table was computed by `engine.step2.dry_run`, which builds the real configurations without weights and
runs them without numbers; a test computes it again. The formula, in bytes:

    weights    = sum over models of  2 p                    full precision (bfloat16)
                                     l + 2 (p - l)          int8, of the l parameters in linear layers
                                     0.5625 l + 2 (p - l)   nf4: half a byte, and 4 bytes every 64 weights
    drawing    = DRAW x rows x (frames h w + L) x 3072,     h w = width height / 256 tokens of a frame
    decoding   = DECODE x width x height                    (one frame at a time; tiled: TILE)
    reading    = READ x L
    resident   = weights + max(drawing, decoding, reading)
    offloaded  = the largest of (drawing model + drawing), (reading model + reading), (VAE + decoding)
    streamed   = two of 60 layers, the largest single layer, the VAE, and drawing (CLIP stays in memory)
    device     = that + CONTEXT, what the driver and the libraries take
    memory     = the weights, where they wait there, + 4 GiB for the program
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.profile import Needs, Placement, Precision

GIB = 1024**3
TOKEN_SIDE = 16  # pixels
PIXELS_A_TOKEN = TOKEN_SIDE**2
CHANNELS = 3072
CONTEXT_TOKENS = 1100  # a long prompt and three pictures as the understanding model reads them
CONTEXT = 1.0 * GIB
PROGRAM = 4.0 * GIB
BLOCKS = 60


@dataclass(frozen=True)
class Part:
    """A model: its parameters, those of them that quantisation shrinks, and its largest single layer."""

    parameters: int
    linear: int
    largest: int

    def weigh(self, precision: Precision) -> float:
        """Bytes of the weights."""
        rest = 2.0 * (self.parameters - self.linear)
        match precision:
            case Precision.FULL:
                return 2.0 * self.parameters
            case Precision.INT8:
                return self.linear + rest
            case Precision.NF4:
                return 0.5625 * self.linear + rest


@dataclass(frozen=True)
class Forward:
    """One forward of the drawing model: rows of a batch, frames of a sequence, pixels of a frame."""

    width: int
    height: int
    frames: int
    rows: int = 1

    @property
    def tokens(self) -> int:
        return self.frames * self.width * self.height // PIXELS_A_TOKEN + CONTEXT_TOKENS


TRANSFORMER = Part(20_430_401_088, 20_424_818_688, 56_623_104)
UNDERSTANDING = Part(8_292_166_656, 7_199_817_728, 544_997_376)
VAE = Part(126_892_531, 0, 3_981_312)
RANKER = Part(427_616_513, 0, 37_945_344)
RANKER_BYTES = 4.0 * RANKER.parameters  # it is kept in float32
DRAW = 29.4  # bytes a token and channel, bfloat16
DECODE = 1349.0  # bytes a pixel
TILE = 0.22 * GIB
READ = 410_000.0  # bytes a token


def drawing_bytes(drawing: Forward) -> float:
    """What one forward holds beside the weights, at its peak."""
    return DRAW * drawing.rows * drawing.tokens * CHANNELS


def decoding_bytes(drawing: Forward, tiled: bool = False) -> float:
    """What decoding one frame holds beside the weights."""
    return TILE if tiled else DECODE * drawing.width * drawing.height


def needs(
    precision: Precision,
    placement: Placement,
    drawing: Forward,
    beside: float = 0.0,
    fetched: float = 0.0,
) -> Needs:
    """What drawing with the Qwen-Image models needs, GiB; `beside` are bytes of adapters beside the weights,
    `fetched` of those that are downloaded with them.
    """
    draws, reads = TRANSFORMER.weigh(precision) + beside, UNDERSTANDING.weigh(precision)
    weights = draws + reads + VAE.weigh(Precision.FULL) + RANKER_BYTES
    at_work = drawing_bytes(drawing)
    reading = READ * CONTEXT_TOKENS
    decoding = decoding_bytes(drawing, tiled=placement is Placement.STREAM)
    match placement:
        case Placement.RESIDENT:
            device, memory = weights + max(at_work, reading, decoding), PROGRAM
        case Placement.OFFLOAD:
            whole = VAE.weigh(Precision.FULL) + decoding
            device, memory = max(draws + at_work, reads + reading, whole), weights + PROGRAM
        case Placement.STREAM:
            layers = 2 * draws / BLOCKS + 2.0 * UNDERSTANDING.largest + VAE.weigh(Precision.FULL)
            device, memory = layers + max(at_work, reading, decoding), weights + PROGRAM
    models = TRANSFORMER.parameters + UNDERSTANDING.parameters + VAE.parameters
    disk = 2.0 * models + RANKER_BYTES + fetched
    return Needs(ram=_gib(memory), vram=_gib(device + CONTEXT), disk=_gib(disk))


def _gib(size: float) -> float:
    return round(size / GIB, 1)
