"""Where frames come from: files, network streams, cameras, the demo."""
