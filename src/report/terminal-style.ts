// Colour on a terminal, or its absence: NO_COLOR, FORCE_COLOR and pipes are respected.

export interface TerminalStyle {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  /** Of values above zero, and of what holds. */
  readonly positive: (text: string) => string;
  /** Of values below zero, and of what does not hold. */
  readonly negative: (text: string) => string;
}

const plain = (text: string): string => text;

function coloured(code: string): (text: string) => string {
  return (text) => (text === '' ? '' : `\u001b[${code}m${text}\u001b[0m`);
}

/** The style for a stream: plain under NO_COLOR (no-color.org), in pipes and on dumb terminals.
 *  Blue and orange differ for every kind of colour vision. */
export function terminalStyle(
  stream: { readonly isTTY?: boolean | undefined },
  environment: Readonly<Record<string, string | undefined>>,
): TerminalStyle {
  const { NO_COLOR = '', FORCE_COLOR = '', TERM } = environment;
  const forced = FORCE_COLOR !== '' && FORCE_COLOR !== '0';
  const wanted = NO_COLOR === '' && (forced || (stream.isTTY === true && TERM !== 'dumb'));
  if (!wanted) return { bold: plain, dim: plain, positive: plain, negative: plain };
  return {
    bold: coloured('1'),
    dim: coloured('2'),
    positive: coloured('38;5;39'),
    negative: coloured('38;5;208'),
  };
}
