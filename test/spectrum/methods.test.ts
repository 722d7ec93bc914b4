// `spectrum` without the matrix: the outermost eigenvalues and densities, and what 'auto' takes.

import { afterEach, describe, expect, it, vi } from 'vitest';

import { createNetwork, randomInputs, spectrum } from '../../src/index.js';
import { addon } from '../../src/native.js';
import { spectrumReport } from '../../src/report/spectrum-report.js';
import { renderChart } from '../../src/report/render.js';
import { refusal } from '../data/refusal.js';

const data = randomInputs({ samples: 80, inputShape: [7], classes: 3, seed: 4 });
const network = createNetwork(
  {
    input: [7],
    layers: [{ type: 'dense', units: 8 }, { type: 'tanh' }, { type: 'dense', units: 3 }],
    loss: 'softmaxCrossEntropy',
  },
  { seed: 4 },
);
const terms = ['hessian', 'gaussNewton'] as const;

afterEach(() => {
  vi.restoreAllMocks();
});

/** As if only so many bytes were free. */
function withFreeMemory(freeMemory: number): void {
  const machine = addon().machine();
  vi.spyOn(addon(), 'machine').mockReturnValue({ ...machine, freeMemory });
}

describe('spectrum by method', () => {
  it('lanczos finds the ends of the dense spectrum, ascending, a residual norm beside each', async () => {
    const dense = await spectrum(network, data, { terms });
    const found = await spectrum(network, data, {
      terms,
      method: 'lanczos',
      largest: 5,
      smallest: 4,
    });
    for (const term of terms) {
      const part = found.terms[term];
      if (part.method !== 'lanczos') throw new Error(part.method);
      const all = Array.from(dense.terms[term].eigenvalues);
      const ends = [...all.slice(0, 4), ...all.slice(-5)];
      expect(part.residualNorms).toHaveLength(9);
      expect(part.converged).toEqual(ends.map(() => true));
      expect([part.smallest, part.largest]).toEqual([4, 5]);
      part.eigenvalues.forEach((value, i) => {
        expect(Math.abs(value - (ends[i] ?? NaN))).toBeLessThan(1e-7 * (all.at(-1) ?? NaN));
      });
    }
  });

  it('more than there are gives each eigenvalue once', async () => {
    const { terms: found, parameterCount } = await spectrum(network, data, {
      method: 'lanczos',
      largest: 60,
      smallest: 60,
    });
    if (found.hessian.method !== 'lanczos') throw new Error(found.hessian.method);
    expect(found.hessian.eigenvalues).toHaveLength(parameterCount);
    expect(found.hessian.eigenvalues).toEqual(found.hessian.eigenvalues.slice().sort());
  });

  it('density has the trace within its error, and all of it goes into JSON and back', async () => {
    const dense = await spectrum(network, data);
    const result = await spectrum(network, data, { method: 'density', probes: 40, seed: 1 });
    const { hessian } = result.terms;
    if (hessian.method !== 'density') throw new Error(hessian.method);
    const exact = dense.terms.hessian.eigenvalues.reduce((a, b) => a + b, 0);
    expect(Math.abs(hessian.trace.value - exact)).toBeLessThan(3 * hessian.trace.standardError);
    expect(hessian.weights.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
    const json = JSON.parse(JSON.stringify(result)) as { terms: { hessian: unknown } };
    expect(json.terms.hessian).toEqual({
      ...hessian,
      grid: Array.from(hessian.grid),
      density: Array.from(hessian.density),
      standardError: Array.from(hessian.standardError),
      nodes: Array.from(hessian.nodes),
      weights: Array.from(hessian.weights),
    });
  });

  it('auto is dense where it fits, Lanczos where not and numbers are asked for', async () => {
    withFreeMemory(9e6);
    expect((await spectrum(network, data, { largest: 2 })).terms.hessian.method).toBe('dense');
    withFreeMemory(1e4);
    const { terms: found } = await spectrum(network, data, { largest: 2 });
    expect(found.hessian.method).toBe('lanczos');
  });

  it.each(['auto', 'dense'] as const)(
    '%s refuses a matrix that does not fit, and names the calls that answer',
    async (method) => {
      withFreeMemory(1e4);
      await expect(spectrum(network, data, { method })).rejects.toEqual(
        refusal('ERR_MEMORY', /method: 'lanczos', largest: 10.*method: 'density'/),
      );
    },
  );

  it('refuses an unknown method', async () => {
    // @ts-expect-error no such method
    await expect(spectrum(network, data, { method: 'qr' })).rejects.toEqual(
      refusal(
        'ERR_SPEC',
        /'method' is "qr"; expected one of "auto", "dense", "lanczos", "density"/,
      ),
    );
  });
});

describe('the report of a spectrum by method', () => {
  it.each(['lanczos', 'density'] as const)('%s has tables and charts that draw', async (method) => {
    const result = await spectrum(network, data, { terms, method, largest: 3 });
    const report = spectrumReport(result);
    expect(report.tables.length).toBeGreaterThan(0);
    expect(report.charts.map(({ kind }) => kind)).toEqual([
      method === 'lanczos' ? 'eigenvalues' : 'density',
    ]);
    for (const chart of report.charts) {
      expect(await renderChart(chart, { format: 'svg' })).toMatch(/^<svg[^]*Gauss-Newton G/);
    }
  });
});
