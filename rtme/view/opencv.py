"""OpenCV for whatever draws, or one sentence about what it lacks. Import this where something is drawn, not before."""

from rtme.errors import SettingsError

try:
    import cv2 as cv2
except ImportError as error:
    hint = "a system library is missing: on Debian or Ubuntu run `sudo apt-get install libgl1 libglib2.0-0`"
    if ".so" not in str(error):
        # MediaPipe asks for this wheel; a second cv2 wheel beside it breaks both.
        hint = "run `pip install opencv-contrib-python`"
    raise SettingsError(
        f"pictures are drawn with OpenCV, which cannot be imported ({error}): {hint}"
    ) from error
