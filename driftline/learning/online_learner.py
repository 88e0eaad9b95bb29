"""A model that goes on learning beside the frozen one, to tell how much a retrain would gain."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

import numpy as np

from driftline.framing import UnreadableBytesError, frame, refuses_damage, unframe
from driftline.learning.labelled_events import LARGEST_LOSS, Events, as_classes, class_numbers, log_losses
from driftline.learning.model_columns import RunningMoments, spread_categories
from driftline.outcomes.feature_inputs import Inputs, read_categories, read_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

WHOLE_STEPS: Final = 32
"""Features up to which the learner takes whole steps: an event of many features moves as many weights."""

SETTLING: Final = 2_000
"""Events after which a learner of up to `WHOLE_STEPS` features knows about what it ever will."""

FIRST_STEP: Final = 8.0
"""How much larger the first step is than those after `SETTLING`."""

_WHAT: Final = "state of an online learning detector"


class Gaps(NamedTuple):
    """How far the frozen model's loss was above the online learner's, event by event.

    Parameters
    ----------
    values
        (m,) float64, frozen model's log-loss minus the learner's, nats.
    positions
        (m,) int64, the position given for each event; by default its number, from 0.
    """

    values: NDArray[np.float64]
    positions: NDArray[np.int64]


class OnlineLearningDetector:
    """Learn from every label, and tell by how much the frozen model's loss is above the learner's.

    A linear model (logistic regression by stochastic gradient descent) is tested on each batch of events,
    then learns from it. While the frozen model fits the world the gap stays where it is: around 0 for a
    linear frozen model, below for a better one. When the world changes only the learner follows, and the gap
    grows: a retrain would pay. Let `ADWIN` or `PageHinkley` watch the gap.

    Needs scikit-learn: ``pip install 'driftline[online]'``.

    Parameters
    ----------
    numeric
        Names of the k numeric features: columns of an Arrow batch, in order those of an array. They are
        standardised by running moments; null, NaN and infinite ones count as the mean, with a flag.
    categorical
        Names of the categorical features, of Arrow batches only. Their values are hashed.
    classes
        All labels there can be, two or more numbers or texts. A batch may lack any.
    hashed_columns
        How many columns all categorical features share.
    batch
        Events that are tested, then learnt from, at once.
    learning_rate
        Step of the descent once the learner has settled; before, up to `FIRST_STEP` times as much. It then
        stays the same, because a learner whose steps keep shrinking stops following. With more than
        `WHOLE_STEPS` features the steps are smaller and settling takes longer, in proportion.
    alpha
        Weight of the L2 penalty.
    warm_up
        Events to learn from before the first gap: a learner that gets to know the world is no change of the
        world. None is `SETTLING`, more with more features.

    References
    ----------
    Gama, Sebastiao and Rodrigues, On evaluating stream learning algorithms (2013), for testing before
    learning; Bottou, Stochastic Gradient Descent Tricks (2012).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=(20_000, 1))
    >>> after = np.arange(20_000) >= 10_000
    >>> label = rng.random(20_000) < 1 / (1 + np.exp(np.where(after, 2, -2) * x[:, 0]))
    >>> frozen_loss = np.logaddexp(0, np.where(label, -2, 2) * x[:, 0])
    >>> detector = OnlineLearningDetector(["x"])
    >>> gaps, positions = detector.update_many(x, label, frozen_loss)
    >>> print(*(gaps[(positions >= n) & (positions < n + 5000)].mean().round(1) for n in (5000, 15_000)))
    -0.0 1.2
    """

    TAG: ClassVar[bytes] = b"dOL"
    VERSION: ClassVar[int] = 1

    def __init__(
        self,
        numeric: Sequence[str],
        categorical: Sequence[str] = (),
        *,
        classes: Sequence[float] | Sequence[str] = (0, 1),
        hashed_columns: int = 256,
        batch: int = 100,
        learning_rate: float = 0.01,
        alpha: float = 1e-4,
        warm_up: int | None = None,
    ) -> None:
        self.numeric, self.categorical = tuple(numeric), tuple(categorical)
        self.classes = as_classes(classes)
        self.hashed_columns, self.batch = hashed_columns, batch
        self.learning_rate, self.alpha = learning_rate, alpha
        size = max(1.0, (len(self.numeric) + len(self.categorical)) / WHOLE_STEPS)
        self._step, self._settled = learning_rate / size, round(SETTLING * size)
        self.warm_up = self._settled if warm_up is None else warm_up
        self._check()
        self._model = self._new_model()
        self._moments = RunningMoments.empty(len(self.numeric))
        self._pending = Events.from_bytes(b"", 0, len(self.numeric), len(self.categorical))
        self._seen = 0

    @property
    def n(self) -> int:
        """Events seen, those of a batch not yet complete included."""
        return self._seen

    @property
    def largest_state(self) -> int:
        """Bytes that `to_bytes` never exceeds."""
        k, c = len(self.numeric), len(self.categorical)
        head = self._head() | {"seen": 2**63 - 1, "t": 1 / 3e18}
        outputs, columns = self._shape
        floats = outputs * (columns + 1) + 3 * k
        events = (self.batch - 1) * Events.row_bytes(k, c)
        return len(frame(self.TAG, self.VERSION, head, b"")) + 8 * floats + events

    def update_many(
        self,
        features: Any,
        labels: Any,
        frozen_losses: ArrayLike,
        positions: ArrayLike | None = None,
    ) -> Gaps:
        """Test the learner on the next events, then let it learn from them.

        Parameters
        ----------
        features
            `pyarrow.RecordBatch` or ``Table`` of n rows with the features as columns; or, without categorical
            features, a numpy array (n, k); or `Inputs`, hashed to `hashed_columns`.
        labels
            (n,) numpy or Arrow array of classes.
        frozen_losses
            (n,) float64, the frozen model's log-loss of each event, nats.
        positions
            (n,) int64, what to call each event in the answer, such as its time; its number from 0 if None.

        Returns
        -------
        Gaps
            Of the events whose batch is now complete, in order, without those of the warm-up. The events of
            the last, partial batch wait for the next call, so it does not matter how events are split into
            calls.

        Raises
        ------
        ValueError
            If a label is none of the classes, a loss is no log-loss, a feature lacks or is of another type,
            or lengths differ. Nothing has been learnt then.
        """
        start = self._seen - len(self._pending.classes)
        events = self._pending.followed_by(self._read(features, labels, frozen_losses, positions))
        n = len(events.classes)
        end = n - n % self.batch
        losses = np.empty(end)
        from sklearn import config_context  # noqa: PLC0415

        with config_context(assume_finite=True, skip_parameter_validation=True):
            for first in range(0, end, self.batch):
                part = events.rows(first, first + self.batch)
                losses[first : first + self.batch] = self._test_then_learn(part)
        self._pending = events.rows(end, n).copied()
        self._seen = start + n
        skip = min(max(self.warm_up - start, 0), end)
        return Gaps((events.losses[:end] - losses)[skip:], events.positions[skip:end].copy())

    def to_bytes(self) -> bytes:
        """Write what the learner knows, the moments and the partial batch: at most `largest_state` bytes."""
        moments = self._moments
        floats = (self._model.coef_, self._model.intercept_, moments.count, moments.mean, moments.m2)
        payload = b"".join(array.astype("<f8", copy=False).tobytes() for array in floats)
        return frame(self.TAG, self.VERSION, self._head(), payload + self._pending.to_bytes())

    @classmethod
    @refuses_damage(_WHAT)
    def from_bytes(cls, data: bytes) -> OnlineLearningDetector:
        """Read what `to_bytes` wrote; other bytes raise UnreadableBytesError.

        The detector goes on, bit for bit, as if it had never stopped (with the same release of scikit-learn).
        """
        head, payload = unframe(cls.TAG, cls.VERSION, _WHAT, data)
        try:
            seen, t = int(head.pop("seen")), float(head.pop("t"))
            detector = cls(**head)
            detector._restore(seen, t, payload)
        except (ArithmeticError, KeyError, TypeError, ValueError) as error:
            raise UnreadableBytesError(
                f"{_WHAT} is damaged ({type(error).__name__}: {error}); "
                "start from an older savepoint, or anew"
            ) from None
        return detector

    def _restore(self, seen: int, t: float, payload: bytes) -> None:
        k, c = len(self.numeric), len(self.categorical)
        outputs, columns = self._shape
        floats = outputs * (columns + 1) + 3 * k
        pending = seen % self.batch
        wanted = 8 * floats + pending * Events.row_bytes(k, c)
        if len(payload) != wanted:
            raise ValueError(f"{len(payload)} bytes behind its head instead of {wanted}")
        values = np.frombuffer(payload, "<f8", floats).astype(np.float64)
        coefficients, intercept, moments = np.split(values, [outputs * columns, outputs * (columns + 1)])
        self._model.coef_ = coefficients.reshape(outputs, columns).copy()
        self._model.intercept_ = intercept.copy()
        self._model.t_ = t
        self._moments = RunningMoments(*moments.reshape(3, k).copy())
        self._pending = Events.from_bytes(payload[8 * floats :], pending, k, c)
        self._seen = seen

    @property
    def _shape(self) -> tuple[int, int]:
        """Scores of the model and columns it reads."""
        width = self.hashed_columns if self.categorical else 0
        return (1 if len(self.classes) == 2 else len(self.classes)), 2 * len(self.numeric) + width

    def _head(self) -> dict[str, Any]:
        return {
            "numeric": self.numeric,
            "categorical": self.categorical,
            "classes": self.classes,
            "hashed_columns": self.hashed_columns,
            "batch": self.batch,
            "learning_rate": self.learning_rate,
            "alpha": self.alpha,
            "warm_up": self.warm_up,
            "seen": self._seen,
            "t": self._model.t_,
        }

    def _check(self) -> None:
        names = (*self.numeric, *self.categorical)
        twice = sorted(name for name, times in Counter(names).items() if times > 1)
        if twice or not names:
            what = f"features named twice: {', '.join(twice)}" if twice else "no feature"
            raise ValueError(f"{what}: name at least one numeric or categorical feature, each of them once")
        least = {"hashed_columns": 1, "batch": 1, "warm_up": 0, "alpha": 0, "learning_rate": 1e-9}
        most = {"hashed_columns": 2**20, "learning_rate": 1}
        for name, low in least.items():
            value, high = getattr(self, name), most.get(name, np.inf)
            if not low <= value <= high:
                raise ValueError(
                    f"{name} is {value}: give {low} or more" + f", at most {high}" * (name in most)
                )

    def _new_model(self) -> Any:
        outputs, columns = self._shape
        model = _sgd_classifier()(
            loss="log_loss",
            penalty="l2",
            alpha=self.alpha,
            learning_rate="constant",
            eta0=self._step,
            shuffle=False,  # in the order the events came, so that nothing is random
            random_state=0,
        )
        # what the first fit would set, so that a new model and one from bytes take the same way
        model.classes_ = np.arange(len(self.classes))
        model.n_features_in_ = columns
        model.coef_, model.intercept_, model.t_ = np.zeros((outputs, columns)), np.zeros(outputs), 1.0
        return model

    def _read(self, features: Any, labels: Any, frozen_losses: Any, positions: Any) -> Events:
        numbers, categories = self._inputs(features)
        n = len(numbers)
        losses = np.asarray(frozen_losses, np.float64)
        places = np.arange(self._seen, self._seen + n) if positions is None else np.asarray(positions)
        for what, values in (("labels", labels), ("frozen_losses", losses), ("positions", places)):
            if len(values) != n:
                raise ValueError(f"{len(values)} {what} for {n} rows of features: give one for each row")
        wrong = np.flatnonzero(~(losses >= 0))
        if len(wrong):
            raise ValueError(
                f"the frozen model's loss of row {wrong[0]} is {losses[wrong[0]]}: a log-loss is 0 or more; "
                "leave events without a score out"
            )
        return Events(
            numbers,
            categories,
            class_numbers(labels, self.classes),
            np.minimum(losses, LARGEST_LOSS),
            places.astype(np.int64, copy=False),
        )

    def _inputs(self, features: Any) -> Inputs:
        if not isinstance(features, Inputs):
            numbers = read_numbers(features, self.numeric)
            return Inputs(numbers, read_categories(features, self.categorical, self.hashed_columns))
        given = features.numbers.shape[1], features.categories.shape[1]
        wanted = len(self.numeric), len(self.categorical)
        if given != wanted:
            raise ValueError(
                f"{given[0]} numeric and {given[1]} categorical features: this learner has {wanted[0]} and "
                f"{wanted[1]}; give those it was made with"
            )
        return features

    def _test_then_learn(self, events: Events) -> NDArray[np.float64]:
        """Give the learner's loss of one whole batch as it was before learning from it."""
        # Only labels are a test: the moments may know the features of the batch already.
        self._moments = self._moments.add(events.numbers)
        columns = self._moments.standardise(events.numbers)
        if self.categorical:
            columns = np.hstack([columns, spread_categories(events.categories, self.hashed_columns)])
        # not by BLAS, whose rounding may depend on the number of threads
        scores = np.einsum("ij,kj->ik", columns, self._model.coef_) + self._model.intercept_
        losses = log_losses(scores, events.classes)
        learnt = self._model.t_ - 1
        self._model.eta0 = self._step * min(FIRST_STEP, max(1.0, self._settled / max(learnt, 1.0)))
        self._model.partial_fit(columns, events.classes)
        return losses


def _sgd_classifier() -> Any:
    try:
        from sklearn.linear_model import SGDClassifier  # noqa: PLC0415
    except ImportError as error:
        raise ImportError(
            "OnlineLearningDetector learns with scikit-learn, which is not installed here: "
            "pip install 'driftline[online]', here and on the workers"
        ) from error
    return SGDClassifier
