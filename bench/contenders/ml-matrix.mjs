// Pure JavaScript: ml-matrix. node ml-matrix.mjs JOB.json

import fs from 'node:fs';
import { createRequire } from 'node:module';
import { readArray } from '../problems.mjs';
import { measure, report } from './measure.mjs';

const { EigenvalueDecomposition, Matrix } = createRequire(import.meta.url)('ml-matrix');

const job = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const { size } = job.problem;
const matrix = Matrix.from1DArray(size, size, readArray(job.folder, 'matrix'));
let values;
const seconds = await measure(() => {
  values = new EigenvalueDecomposition(matrix, { assumeSymmetric: true }).realEigenvalues;
}, job);
report({ ways: { 'with vectors': { seconds, check: Math.max(...values) } } });
