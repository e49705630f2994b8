"""When a process may open nothing more."""

import errno


def no_descriptor(error: OSError) -> str | None:
    """What to do about it, where an opening failed for want of file descriptors; else None."""
    if error.errno == errno.EMFILE:
        return (
            "this process has no file descriptor left; allow it more (`ulimit -n`, systemd's LimitNOFILE) "
            "or give it fewer sources"
        )
    if error.errno == errno.ENFILE:
        return "this machine has no file descriptor left; see what has so many files open (`lsof`)"
    return None
