// Operator sets: which domain is ONNX's own, and which of its versions are known.

import type { OperatorSetIdProto } from './onnx_pb.js';

/** From the version in which broadcasting took its present form, to the newest that ONNX Runtime 1.30 loads:
 *  what it does not load, nothing here has been compared with. */
export const knownOpsets = { oldest: 7, newest: 26 } as const;

/** Of the file format, by the same measure. */
export const newestIrVersion = 13n;

/** ONNX's own operators have the domain '' or 'ai.onnx'. */
export function isStandardDomain(domain: string): boolean {
  return domain === '' || domain === 'ai.onnx';
}

/** The version of ONNX's own operators that a model or function imports. */
export function standardOpset(imports: readonly OperatorSetIdProto[]): number | undefined {
  const entry = imports.find(({ domain }) => isStandardDomain(domain));
  return entry === undefined ? undefined : Number(entry.version);
}
