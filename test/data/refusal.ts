import { expect } from 'vitest';

import type { EigenscapeErrorCode } from '../../src/errors.js';

/** Matches an EigenscapeError with this code, a message like this and, if given, these details. */
export function refusal(
  code: EigenscapeErrorCode,
  message: RegExp,
  details: Readonly<Record<string, unknown>> = {},
): unknown {
  return expect.objectContaining({
    name: 'EigenscapeError',
    code,
    message: expect.stringMatching(message) as unknown,
    details: expect.objectContaining(details) as unknown,
  });
}
