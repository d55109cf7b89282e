"""The Live page: a camera, a window or a video, read frame by frame."""
