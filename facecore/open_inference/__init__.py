"""The Open Inference Protocol (KServe v2), by REST and gRPC, over the same queue as the HTTP API.

A model is a model set; a photo goes in as one tensor, and faces come out as several.
"""
