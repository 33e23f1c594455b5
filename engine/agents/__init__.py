"""Language models as agents: which one plays which part, and how it is asked. Importing this loads none.

The built-in director and refiner need no model. Where the user chose one, it is asked for validated objects
(pydantic), its answers are streamed, and what it gets wrong is said back to it a bounded number of times.
Nothing ever falls back to the built-in part by itself: trouble is one sentence that says what to do.
"""

from engine.agents.choice import Agents, Role, Source, Target
from engine.agents.keys import KeyState, key_state
from engine.agents.model import AskedAgain, Heard, LanguageModel, Limits, Question, open_model

__all__ = [
    "Agents",
    "AskedAgain",
    "Heard",
    "KeyState",
    "LanguageModel",
    "Limits",
    "Question",
    "Role",
    "Source",
    "Target",
    "key_state",
    "open_model",
]
