// The two ways in which an ONNX file is turned down: it is damaged, or it asks for what no layer does.

import { EigenscapeError } from '../errors.js';

/** One part of a file that the library cannot take over. */
export interface Problem {
  /** Name of the node, or of the input, output or tensor. */
  readonly name: string;
  /** ONNX's operator, with its domain if it is not the standard one; or `input`, `output` … */
  readonly operator: string;
  readonly reason: string;
}

/** Thrown by an operator's handler; the evaluation goes on, so that all problems are found. */
export class Refusal extends Error {
  readonly problems: readonly Problem[];
  /** What one sample has behind the refused node, where that is known: so what follows is checked. */
  readonly shape: readonly number[] | undefined;

  constructor(problems: readonly Problem[], shape?: readonly number[]) {
    super(problems.map(sentence).join('; '));
    this.problems = problems;
    this.shape = shape;
  }
}

export function invalid(message: string, options: { readonly cause?: unknown } = {}) {
  return new EigenscapeError(
    'ERR_ONNX_INVALID',
    `${message} Export the model again; onnx.checker.check_model (Python) looks for more faults.`,
    { ...options, details: { complaint: message } },
  );
}

/** The one error that lists every unsupported part of a file.
 *  @param operators the ones that are known, where the problem is with operators */
export function unsupported(
  problems: readonly Problem[],
  operators: readonly string[] = [],
): EigenscapeError {
  const distinct = [...new Map(problems.map((problem) => [sentence(problem), problem])).values()];
  const parts = distinct.length === 1 ? 'a part' : `${distinct.length} parts`;
  const known =
    operators.length === 0
      ? ''
      : ' Supported are networks for vectors and images, with branches, whose weights are constant, of ' +
        `these operators as far as they make layers of this library: ${operators.join(', ')}.`;
  return new EigenscapeError(
    'ERR_ONNX_UNSUPPORTED',
    `The ONNX graph has ${parts} that eigenscape cannot take over: ` +
      `${distinct.map(sentence).join('; ')}.${known}`,
    { details: { unsupported: distinct } },
  );
}

function sentence({ name, operator, reason }: Problem): string {
  return `${operator} '${name}': ${reason}`;
}
