// Apart from what reads ONNX, so that its type declarations need no protobuf.

/** What stands behind the network's own outputs at the end of a file; `importOnnx` leaves it to the loss. */
export type OnnxEnding = 'none' | 'softmax' | 'logSoftmax' | 'sigmoid' | 'binaryProbabilities';
