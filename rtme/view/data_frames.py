"""A result as pandas tables."""

from typing import TYPE_CHECKING, Literal, get_args

from rtme.errors import SettingsError
from rtme.view.report import Turn
from rtme.view.result import Result

if TYPE_CHECKING:
    import pandas as pd

Table = Literal["intervals", "speaker", "curve"]

INTERVALS = (
    "epoch", "face", "type", "state", "onset", "apex", "offset", "onset_s", "apex_s", "offset_s",
    "duration_ms", "confidence",
)  # fmt: skip
CURVE = (
    "epoch", "face", "frame", "time_s", "score", "speaking", "yaw", "pitch", "roll", "eye_distance_px", "judged",
)  # fmt: skip


def require_pandas() -> None:
    """See that there is something to make tables with.

    Raises:
        SettingsError: pandas is missing.
    """
    try:
        import pandas  # noqa: F401
    except ImportError as error:
        raise SettingsError("tables of a result need pandas: pip install 'rtme[notebook]'") from error


def to_frame(result: Result, table: Table = "intervals") -> "pd.DataFrame":
    """One of a result's tables.

    Args:
        result: Of one recording.
        table: ``intervals``: a row for each, with the state in which its apex lies and ``duration_ms`` from onset to offset;
            ``speaker``: a row for each turn; ``curve``: a row for each frame of each face, NaN where nothing is known.

    Raises:
        SettingsError: There is no such table, or pandas is missing.
    """
    if table not in get_args(Table):
        raise SettingsError(f"there is no table {table!r}: choose from {', '.join(get_args(Table))}")
    require_pandas()
    import pandas as pd

    if table == "intervals":
        rows = [
            one.model_dump()
            | {
                "state": None if (turn := result.state_of(one)) is None else turn.state,
                "duration_ms": round(1000 * (one.offset_s - one.onset_s), 3),
            }
            for one in result.report.intervals
        ]
        return pd.DataFrame(rows, columns=list(INTERVALS))
    if table == "speaker":
        names = ["epoch", "face", *(name for name in Turn.model_fields if name not in ("epoch", "face"))]
        return pd.DataFrame([turn.model_dump() for turn in result.report.speaker], columns=names)
    frames = [
        pd.DataFrame({name: getattr(curve, name) for name in CURVE}, columns=list(CURVE))
        for curve in result.curves
    ]
    if not frames:
        return pd.DataFrame(columns=list(CURVE))
    return pd.concat(frames, ignore_index=True)
