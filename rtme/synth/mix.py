"""How much of each thing there is in clips by chance."""

from pydantic import BaseModel, ConfigDict, Field


def _times(what: str) -> float:
    factor: float = Field(1.0, ge=0, le=10, description=f"factor on how often {what}")
    return factor


class Mix(BaseModel):
    """Factors on the interference of a clip by chance; 1 is the mix of training clips, 0 leaves a thing out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    blink: float = _times("the eyes blink")
    gaze: float = _times("the eyes jump")
    lids: float = _times("the eyes are narrowed or opened wide")
    head: float = _times("the head nods, shakes, turns, tilts and leans")
    brow: float = _times("brows move for emphasis while the person talks")
    mouth: float = _times("the mouth moves without speech: pressed, licked, chewing, a yawn, a smile")
    swallow: float = _times("the person swallows")
    train: float = _times("one movement is made several times in a row")
    step: float = _times("a movement goes somewhere and stays there")
    hand: float = _times("a hand comes before the face")
    light: float = _times("the light or the exposure changes quickly")
    macro: float = _times("a macro-expression of 0.6 to 4 s happens")
    large: float = _times("a short movement of more than 3.4 pixels happens")
