"""One network as plain arrays: read from Caffe's files, written as what other engines take."""
