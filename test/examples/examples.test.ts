// Every program of examples/ runs by plain Node against the built package, and says what it should.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'eigenscape-examples-'));
const programs = readdirSync(path.join(root, 'examples')).filter((name) =>
  /\.(mjs|ts)$/.test(name),
);

beforeAll(() => {
  cpSync(path.join(root, 'examples'), folder, { recursive: true });
  mkdirSync(path.join(folder, 'node_modules'));
  symlinkSync(root, path.join(folder, 'node_modules', 'eigenscape'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What the program writes. Types are stripped here, as Node does from 22.18 on. */
function outputOf(program: string): string {
  const script = program.replace(/\.ts$/, '.mjs');
  if (script !== program) {
    const source = readFileSync(path.join(folder, program), 'utf8');
    const { ESNext } = ts.ModuleKind;
    const target = ts.ScriptTarget.ES2023;
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: { module: ESNext, target },
    });
    writeFileSync(path.join(folder, script), outputText);
  }
  return execFileSync(process.execPath, [script], { cwd: folder, encoding: 'utf8' });
}

/** The numbers that a pattern captures. */
function numbers(output: string, pattern: RegExp): readonly number[] {
  const found = pattern.exec(output);
  if (found === null) throw new Error(`${String(pattern)} is not in:\n${output}`);
  return found.slice(1).map(Number);
}

const number = String.raw`(-?[\d.]+(?:e[-+]\d+)?)`;

/** What each must say. */
const facts: Readonly<Record<string, (output: string) => void>> = {
  'gauss-newton.mjs': (output) => {
    const ratios = [...output.matchAll(/‖G‖\/‖H‖ ([\d.]+), ‖R‖\/‖H‖ ([\d.]+)/g)];
    const [[, G0, R0] = [], [, G1, R1] = []] = ratios.map((match) => match.map(Number));
    expect(R0).toBeGreaterThan(G0 ?? NaN); // at the start the residual is the larger part
    expect(G1).toBeGreaterThan(0.9);
    expect(R1).toBeLessThan(0.2);
    expect(output.match(/gaussNewton .* 0 negative/g)).toHaveLength(2);
  },
  'interpolation.mjs': (output) => {
    const losses = [...output.matchAll(/loss ([\d.]+)/g)].map((match) => Number(match[1]));
    const [height = NaN, at] = numbers(
      output,
      new RegExp(`barrier is ${number} high, at α = ${number}`),
    );
    expect(losses).toHaveLength(11);
    expect(height).toBeGreaterThan(0.9 * (Math.max(...losses) - (losses[0] ?? NaN)));
    expect(at).toBeCloseTo(0.5, 0);
  },
  'lanczos.mjs': (output) => {
    expect(output).toMatch(/^99985 parameters; all eigenvalues would take 28 GB$/m);
    expect(output.match(/^eigenvalue /gm)).toHaveLength(5);
    const [trace = NaN, error] = numbers(output, new RegExp(`^trace ${number} ± ${number}$`, 'm'));
    expect(trace).toBeGreaterThan(100);
    expect(error).toBeLessThan(0.2 * trace);
  },
  'onnx-report.mjs': (output) => {
    for (const what of ['loss', 'largest eigenvalue']) {
      const line = new RegExp(`^${what} ${number}, PyTorch ${number}$`, 'm');
      const [ours = NaN, theirs = NaN] = numbers(output, line);
      expect(Math.abs(ours - theirs)).toBeLessThan(1e-12);
    }
    const page = readFileSync(path.join(folder, 'report.html'), 'utf8');
    expect(page).toContain('<svg');
  },
  'own-operator.ts': (output) => {
    const [value = NaN, error = NaN] = numbers(output, new RegExp(`^trace ${number} ± ${number}`));
    expect(Math.abs(value - 40_000)).toBeLessThan(5 * error);
    const [largest = NaN, residual = NaN] = numbers(
      output,
      new RegExp(`^largest ${number} ± ${number}`, 'm'),
    );
    expect(Math.abs(largest - 4)).toBeLessThan(residual);
  },
  'pytorch-own-loss.mjs': (output) => {
    const pytorch = JSON.parse(readFileSync(path.join(folder, 'pytorch/pytorch.json'), 'utf8')) as {
      readonly loss: number;
      readonly largest: readonly number[];
    };
    const line = (name: string) => new RegExp(`^${name}: loss ${number}, .* to ${number}$`, 'm');
    const [loss = NaN, largest = NaN] = numbers(output, line('softmaxCrossEntropy'));
    expect(Math.abs(loss - pytorch.loss)).toBeLessThan(1e-12);
    expect(Math.abs(largest - (pytorch.largest[0] ?? NaN))).toBeLessThan(1e-12);
    const [focal] = numbers(output, line('focal')); // each sample weighed by less than 1
    expect(focal).toBeLessThan(loss);
  },
  'sharpness.mjs': (output) => {
    const lines = [...output.matchAll(/λ +([\d.]+)/g)].map((match) => Number(match[1]));
    const [threshold = NaN] = numbers(output, /2\/η is ([\d.]+)/);
    expect(lines).toHaveLength(11);
    expect(Math.abs((lines.at(-1) ?? NaN) - threshold)).toBeLessThan(0.05 * threshold);
  },
  'thousand-spectra.mjs': (output) => {
    const counts = [...output.matchAll(/^ *(\d+) eigenvalues above 0\.1: .* (\d+)$/gm)];
    const times = new Map(counts.map((match) => [Number(match[1]), Number(match[2])]));
    expect([...times.values()].reduce((a, b) => a + b, 0)).toBe(1000);
    expect((times.get(2) ?? 0) + (times.get(3) ?? 0)).toBeGreaterThan(900);
  },
};

describe('examples', () => {
  it('are at least eight, each with a fact that is checked', () => {
    expect(programs.length).toBeGreaterThanOrEqual(8);
    expect(programs.sort()).toEqual(Object.keys(facts).sort());
  });

  it.each(programs)(
    '%s runs, and says what it should',
    (program) => {
      facts[program]?.(outputOf(program));
    },
    60_000,
  );
});
