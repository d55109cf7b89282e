"""Reading Caffe's files into a graph, and writing it for other engines."""
