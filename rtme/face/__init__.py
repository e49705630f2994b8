"""Face mesh to identity, stable aligned crop and motion input: :class:`rtme.face.tracker.FaceTracker`."""
