"""A photo with boxes that can be clicked, zoomed and read, on any page."""
