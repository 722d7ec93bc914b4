// From a model that PyTorch exported to a page for people: the spectra of H, G and R in one HTML file.
//
//     node onnx-report.mjs [report.html]

import { readFile } from 'node:fs/promises';

import { createDataset, importOnnx, loadNpy, spectrum, writeReport } from 'eigenscape';

const folder = new URL('pytorch/', import.meta.url);
const report = process.argv[2] ?? 'report.html';

const network = await importOnnx(new URL('model.onnx', folder), { loss: 'softmaxCrossEntropy' });
const data = createDataset({
  inputs: await loadNpy(new URL('inputs.npy', folder)),
  targets: await loadNpy(new URL('targets.npy', folder)),
});

const result = await spectrum(network, data, { terms: ['hessian', 'gaussNewton', 'residual'] });
await writeReport(result, report);

// What PyTorch said of the same network, by its own Hessian.
const pytorch = JSON.parse(await readFile(new URL('pytorch.json', folder), 'utf8'));
const largest = result.terms.hessian.eigenvalues.at(-1);
console.log(`loss ${result.loss}, PyTorch ${pytorch.loss}`);
console.log(`largest eigenvalue ${largest}, PyTorch ${pytorch.largest[0]}`);
console.log(`${report}: all ${result.parameterCount} eigenvalues of H, G and R`);
