from __future__ import annotations

import pytest

from driftline.verdicts.share_of_features import enough_features


@pytest.mark.parametrize(
    ("drifted", "of", "share", "enough"),
    [
        (0, 10, 0.3, False),
        (2, 10, 0.3, False),
        (3, 10, 0.3, True),
        (7, 25, 0.28, True),  # 0.28 * 25 is a little more than 7 in floating point
        (6, 25, 0.28, False),
        (3, 3, 1, True),
        (2, 3, 1, False),
        (1, 1_000, 0.001, True),
        (0, 0, 0.3, False),
    ],
)
def test_it_begins_at_the_share(drifted, of, share, enough):
    assert enough_features([i < drifted for i in range(of)], share) is enough


@pytest.mark.parametrize("share", [0, -0.1, 1.000001, float("nan")])
@pytest.mark.parametrize("drifted", [[], [True]])
def test_what_is_no_share_is_refused(share, drifted):
    with pytest.raises(ValueError, match=r"share=\S+ is no share of the features"):
        enough_features(drifted, share)
