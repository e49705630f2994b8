"""The TensorRT backend: plans are built once for a GPU (``rtme engine build``), kept, and run with CUDA graphs.

Nothing here imports tensorrt, pycuda, cuda.bindings or onnx before it is needed; ``backend.missing`` tells why it cannot
run.
"""
