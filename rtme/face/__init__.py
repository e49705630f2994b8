"""Face mesh to identity, stable aligned crop and motion input. The door is :class:`rtme.face.tracker.FaceTracker`."""
