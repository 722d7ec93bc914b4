// A report as experiments make it, from made-up spectra; names hold HTML on purpose.

import { createRandom } from '../../src/data/random.js';
import type { Chart } from '../../src/report/chart.js';
import type { Report } from '../../src/report/report.js';

export const HOSTILE = '<img src=x onerror="alert(1)"> & </script><script>alert(2)</script>';

/** 1,000 ascending values over 14 decades, of both signs, 100 of them zeros, 9 large. */
export function sampleSpectrum(seed: number): Float64Array {
  const random = createRandom(seed);
  const values = Float64Array.from({ length: 1000 }, (_, i) => {
    if (i < 9) return 1 + i;
    if (i < 109) return 0;
    const size = 10 ** (-2 - 12 * random.uniform());
    return random.uniform() < 0.3 ? -size : size;
  });
  return values.sort();
}

const series = [
  { name: `before ${HOSTILE}`, eigenvalues: sampleSpectrum(1) },
  { name: 'after', eigenvalues: Array.from(sampleSpectrum(2)) },
];
const steps = Array.from({ length: 900 }, (_, i) => i);

export const sampleCharts: readonly Chart[] = [
  {
    kind: 'eigenvalues',
    title: `All eigenvalues ${HOSTILE}`,
    subtitle: 'In order.',
    series,
    errorEstimate: 1e-14,
  },
  { kind: 'eigenvalues', title: 'The 40 largest', series, largest: 40, linearWithin: 1e-2 },
  { kind: 'histogram', title: 'How many lie where', series, errorEstimate: 1e-14 },
  {
    kind: 'lossCurve',
    title: 'The loss falls',
    series: [
      { name: 'training', steps, values: steps.map((i) => 2.3 * Math.exp(-i / 150)) },
      { name: 'test', steps, values: steps.map((i) => 0.2 + 2.1 * Math.exp(-i / 150)) },
    ],
  },
];

export const sampleReport: Report = {
  title: `A report ${HOSTILE}`,
  summary: 'What was found.',
  charts: sampleCharts,
  tables: [
    {
      caption: `Numbers ${HOSTILE}`,
      columns: ['', 'before', 'after'],
      rows: [
        ['loss', 2.3, 0.01],
        [HOSTILE, 12345, -1.5e-9],
      ],
    },
  ],
  claims: [
    { claim: 'It holds.', holds: true, measured: '1 of 1' },
    { claim: 'It does not.', holds: false, measured: HOSTILE },
  ],
  manifest: {
    seed: 1,
    optimizer: { type: 'sgd', learningRate: 0.1 },
    layers: [64, 10],
    [HOSTILE]: null,
  },
  data: [{ fileName: 'sample.json', content: { name: HOSTILE, eigenvalues: sampleSpectrum(1) } }],
};
