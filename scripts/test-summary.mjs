// One line for machines from vitest's JSON report. Fails if a test failed or if none ran.
import fs from 'node:fs';

function read(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return { testResults: [] }; // the set-up failed, and vitest never ran
  }
}

const { testResults, success = false } = read(process.argv[2]);
const count = { passed: 0, failed: 0, skipped: 0 };
for (const { assertionResults, status } of testResults) {
  const states = assertionResults.map((test) => test.status);
  const failed = states.filter((state) => state === 'failed').length;
  count.passed += states.filter((state) => state === 'passed').length;
  count.skipped += states.filter((state) => state !== 'passed' && state !== 'failed').length;
  // A file that could not even be loaded holds no failed test, yet it failed.
  count.failed += failed === 0 && status === 'failed' ? 1 : failed;
}
if (count.passed + count.failed === 0 || (!success && count.failed === 0)) count.failed += 1;
process.exitCode = count.failed === 0 ? 0 : 1;

const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
console.log(`${count.passed} passed, ${count.failed} failed${skipped}`);
