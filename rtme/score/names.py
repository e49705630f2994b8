"""Names of videos: others may leave out the dataset, or the subject, where we have all three."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from rtme.errors import DataError
from rtme.score.interval import Interval


def with_full_names(intervals: Sequence[Interval], videos: Iterable[str]) -> list[Interval]:
    """Give intervals the full names of their videos.

    ``15_0101`` and ``s15/15_0101`` both become ``casme2sq/s15/15_0101`` where no other video ends so. Names that are full,
    or that no video ends with, stay.

    Raises:
        DataError: Several videos end with the same name.
    """
    known = set(videos)
    full: defaultdict[str, list[str]] = defaultdict(list)
    for video in known:
        parts = video.split("/")
        for start in range(1, len(parts)):
            full["/".join(parts[start:])].append(video)
    renamed = []
    for one in intervals:
        candidates = full.get(one.video, [])
        if one.video in known or not candidates:
            renamed.append(one)
            continue
        if len(candidates) > 1:
            raise DataError(
                f"video {one.video} may be {' or '.join(sorted(candidates)[:3])}: write subject and dataset before its name"
            )
        renamed.append(replace(one, video=candidates[0]))
    return renamed
