"""What the wire's short names are called before people."""

TYPES = {"me": "micro-expression", "macro": "macro-expression"}
PLANTED = {"blink": "blink", "speech": "speech", "head": "head movement"} | TYPES
FACES = {
    "appeared": "appeared",
    "judged": "can be judged again",
    "not_judged": "cannot be judged",
    "lost": "is gone",
}
GAPS = {
    "dropped": "frames dropped to keep up",
    "reconnect": "frames lost while reconnecting",
    "corrupt": "frames that could not be decoded",
    "time_jump": "frames missing where the stream's time jumped",
    "no_face": "frames without a face",
    "skipped": "windows not scored to keep up",
}


def clock(seconds: float, digits: int = 2) -> str:
    """A time of a recording as ``m:ss.ss``, with hours from an hour on."""
    units = 10**digits
    whole = round(max(seconds, 0.0) * units)
    minutes, rest = divmod(whole, 60 * units)
    text = f"{rest / units:0{3 + digits if digits else 2}.{digits}f}"
    if minutes < 60:
        return f"{minutes}:{text}"
    return f"{minutes // 60}:{minutes % 60:02d}:{text}"


def length(seconds: float) -> str:
    """How long something lasts, for people."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    if seconds < 3599.5:
        return f"{round(seconds) // 60} min {round(seconds) % 60} s"
    return f"{round(seconds / 60) // 60} h {round(seconds / 60) % 60} min"
