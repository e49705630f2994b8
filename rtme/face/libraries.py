"""OpenCV and MediaPipe, or one sentence about what they lack."""

from rtme.errors import FaceError


def missing(library: str, install: str, error: ImportError) -> FaceError:
    """The error for a library that cannot be imported; bare servers often lack the system's part of it."""
    if ".so" in str(error):
        return FaceError(
            f"{library} cannot start, a system library is missing ({error}): "
            "on Debian or Ubuntu run `sudo apt-get install libgl1 libglib2.0-0`"
        )
    return FaceError(f"{library} cannot be imported ({error}): run `pip install {install}`")


try:
    import cv2 as cv2
except ImportError as error:
    # MediaPipe asks for this wheel; a second cv2 wheel beside it breaks both.
    raise missing("OpenCV", "opencv-contrib-python", error) from error
