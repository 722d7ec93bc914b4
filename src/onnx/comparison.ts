// What a comparison needs of ONNX, in one piece that is loaded at the first one.

export { decodeModel } from './graph.js';
export { runtimeOutputs } from './runtime.js';
export { signatureOf } from './signature.js';
