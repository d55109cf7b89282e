"""Where a decoder begins: ``python -m facecore.video FD``, run by its parent."""

import sys

from facecore.video.decoding import serve

if __name__ == "__main__":
    serve(int(sys.argv[1]))
