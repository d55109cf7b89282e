"""Where photos come from: folders, ZIP files, samples, uploads; all give `photo.Photo`."""
