"""Worker processes: networks of their own, under options of their own.

`process.WorkerProcess` is the handle that the rest of the program uses; a
worker itself runs `child` and speaks the messages of `messages` over a socket.
`forking.Starter` has a batch's workers share the memory of their networks.
"""
