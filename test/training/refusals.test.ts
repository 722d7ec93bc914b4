// What train and its optimizers refuse, and in which words.

import { describe, expect, it } from 'vitest';

import { isEigenscapeError, sgd, train } from '../../src/index.js';
import { asJavaScript, smallData, smallNetwork, strangers } from '../curvature/small-network.js';
import { refusal } from '../data/refusal.js';
import { data, fresh, optimizer, testData } from './clusters.js';

describe('refusals', () => {
  const good = { optimizer, batchSize: 'full', steps: 1 } as const;
  it.each([
    [/'steps' is -1; expected an integer of at least 0/, { steps: -1 }],
    [/'steps' is "10"; expected an integer/, { steps: '10' }],
    [/'batchSize' is 0; expected an integer of at least 1/, { batchSize: 0 }],
    [/'batchSize' is "all"; expected 'full' or an integer/, { batchSize: 'all' }],
    [
      /'optimizer' is "sgd"; expected an optimizer: sgd\(\{ … \}\), adam\(\{ … \}\) or adamW/,
      { optimizer: 'sgd' },
    ],
    [
      /'optimizer.type' is "rmsprop"; expected an optimizer: sgd/,
      { optimizer: { type: 'rmsprop', learningRate: 1 } },
    ],
    [
      /'optimizer.learningRate' is NaN; expected a finite number above 0/,
      { optimizer: { type: 'sgd', learningRate: NaN } },
    ],
    [/'optimizer.learningRate' is missing/, { optimizer: { type: 'sgd' } }],
    [/'optimizer.rate' is unknown/, { optimizer: { ...optimizer, rate: 1 } }],
    [
      /'stopAtGradientNorm' is -1; expected a finite number of at least 0/,
      { stopAtGradientNorm: -1 },
    ],
    [/'recordEvery' is 0; expected an integer of at least 1/, { recordEvery: 0 }],
    [/'onRecord' is 5; expected a function of a record/, { onRecord: 5 }],
    [/'threads' is 0; expected a whole number from 1 to 48/, { threads: 0 }],
    [
      /'resumeFrom' is null; expected \{ step, phase, phaseStart, seed, updates, moments \}/,
      { resumeFrom: null },
    ],
    [/'resumeFrom.step' is 0.5; expected an integer of at least 0/, { resumeFrom: { step: 0.5 } }],
    [
      /resumeFrom.moments.velocity is null; expected an array of numbers/,
      { resumeFrom: { step: 0, moments: { velocity: null } } },
    ],
    [/are more than can be counted exactly/, { resumeFrom: { step: Number.MAX_SAFE_INTEGER } }],
    [/'epochs' is unknown; there are signal/, { epochs: 3 }],
  ] as const)('%s', async (message, options) => {
    const training = asJavaScript(train, fresh(), data, { ...good, ...options });
    await expect(training).rejects.toEqual(refusal('ERR_SPEC', message));
  });

  it.each([
    [
      'ERR_SHAPE',
      /resumeFrom.moments.velocity has 3 entries; expected 17, one per parameter/,
      [1, 2, 3],
    ],
    [
      'ERR_DATA',
      /entry 0 of resumeFrom.moments.velocity is NaN; expected a finite number of float64/,
      Array(17).fill(NaN),
    ],
    ['ERR_DATA', /entry 0 of resumeFrom.moments.velocity is "0"/, Array(17).fill('0')],
  ] as const)('%s: %s', async (code, message, velocity) => {
    const heavy = {
      ...good,
      optimizer: sgd({ learningRate: 1, momentum: 0.9 }),
      resumeFrom: { step: 0, moments: { velocity } },
    };
    const training = asJavaScript(train, smallNetwork.clone(), smallData, heavy);
    await expect(training).rejects.toEqual(refusal(code, message));
  });

  it.each([
    [/'learningRate' is 0; expected a finite number above 0/, { learningRate: 0 }],
    [/'learningRate' is missing/, {}],
    [
      /'momentum' is -0.1; expected a finite number of at least 0/,
      { learningRate: 1, momentum: -0.1 },
    ],
    [/'nesterov' is 1; expected true or false/, { learningRate: 1, nesterov: 1 }],
    [
      /'lr' is unknown; there are learningRate, momentum, dampening, weightDecay, nesterov/,
      { learningRate: 1, lr: 1 },
    ],
    [/given undefined; expected \{ learningRate/, undefined],
  ] as const)('sgd: %s', async (message, options) => {
    await expect(asJavaScript(sgd, options)).rejects.toEqual(refusal('ERR_SPEC', message));
  });

  it('data of another shape is refused before a step, as training or as test data', async () => {
    const network = smallNetwork.clone();
    const message = /samples of the dataset have shape \[10\], but the network's input is \[2\]/;
    await expect(train(network, data, good)).rejects.toEqual(refusal('ERR_SHAPE', message));
    await expect(train(network, smallData, { ...good, testData })).rejects.toEqual(
      refusal('ERR_SHAPE', message),
    );
    expect(network.parameters()).toEqual(smallNetwork.parameters());
  });

  it('whatever is passed, errors are EigenscapeErrors, and the network can be trained afterwards', async () => {
    const network = smallNetwork.clone();
    const offending: string[] = [];
    const note = async (name: string, ...args: unknown[]): Promise<void> => {
      try {
        await asJavaScript(train, ...args);
      } catch (error) {
        if (!isEigenscapeError(error)) offending.push(`${name}: ${String(error)}`);
      }
    };
    for (const [name, value] of strangers) {
      await note(`network ${name}`, value, smallData, good);
      await note(`data ${name}`, network, value, good);
      await note(`options ${name}`, network, smallData, value);
      for (const key of [
        'optimizer',
        'batchSize',
        'steps',
        'stopAtGradientNorm',
        'testData',
        'recordEvery',
        'resumeFrom',
        'signal',
        'threads',
      ]) {
        await note(`${key} ${name}`, network, smallData, { ...good, [key]: value });
      }
      for (const key of ['learningRate', 'momentum', 'weightDecay', 'nesterov']) {
        await note(`${key} ${name}`, network, smallData, {
          ...good,
          optimizer: { ...optimizer, [key]: value },
        });
      }
    }
    expect(offending).toEqual([]);
    await expect(train(network, smallData, good)).resolves.toBeDefined();
  });
});
