// Examples below a command's help.

/** @param lines what each does, and its arguments */
export function examples(lines: readonly (readonly [string, string])[]): string {
  const shown = lines.map(([does, args]) => `  # ${does}\n  eigenscape ${args}`);
  return `\nExamples:\n${shown.join('\n')}`;
}
