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
