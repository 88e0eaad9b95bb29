"""Learning online: outcomes with features, in the order of event time, make the signal ``learning_gap``."""

from driftline.learning.advance_learner import Learnt, learn
from driftline.learning.examples import Examples, decode_examples, encode_examples, first_known
from driftline.learning.learner_state import LearnerState
from driftline.learning.producer import examples_of

__all__ = [
    "Examples",
    "LearnerState",
    "Learnt",
    "decode_examples",
    "encode_examples",
    "examples_of",
    "first_known",
    "learn",
]
