// Networks from their specs.

import * as v from 'valibot';

import type { DType } from '../data/dtype.js';
import { createRandom } from '../data/random.js';
import { EigenscapeError } from '../errors.js';
import type { NativeArray } from '../native.js';
import { optionsOf, parseOptions, seedOption } from '../options.js';
import { initialParameters } from './initializer.js';
import type { Initializer } from './initializer.js';
import { Network } from './network.js';
import { parseSpec } from './parse-spec.js';
import type { ParsedSpec } from './parse-spec.js';
import type { NetworkSpec } from './spec.js';

/** Options of {@link createNetwork}. */
export interface NetworkOptions<D extends DType = DType> {
  /** Of the initial parameters; default 0. */
  readonly seed?: number | undefined;
  readonly initializer?: Initializer | undefined;
  /** Precision of parameters and of all computing; default 'float64'. */
  readonly dtype?: D | undefined;
  /** Values to start from, in place of random ones [parameterCount]. */
  readonly parameters?: ArrayLike<number> | undefined;
  /** Names of the parameter tensors, in the order of the layout. */
  readonly tensorNames?: readonly string[] | undefined;
}

const optionsSchema = optionsOf({
  seed: seedOption,
  initializer: v.optional(v.unknown()),
  dtype: v.optional(v.picklist(['float64', 'float32'], "'float64' or 'float32'"), 'float64'),
  parameters: v.optional(v.unknown()),
  tensorNames: v.optional(v.array(v.string('a list of names'), 'a list of names')),
});

/** A network with random parameters.
 *  @throws EigenscapeError ERR_SPEC for a malformed spec, naming the layer and the option; ERR_SHAPE where
 *  layers do not fit together
 *  @example createNetwork({ input: [64], layers: [{ type: 'dense', units: 10 }], loss: 'softmaxCrossEntropy' }) */
export function createNetwork<D extends DType = 'float64'>(
  spec: NetworkSpec,
  options: NetworkOptions<D> = {},
): Network<D> {
  const { network, parsed } = emptyNetwork(spec, options);
  const { layout, parameterCount } = network;
  const { seed } = parseOptions('createNetwork', optionsSchema, options);
  const { initializer = 'pytorch' } = options;
  const normalizations = parsed.native.layers.filter(({ type }) => type.endsWith('Norm'));
  const names = new Set(normalizations.map(({ name }) => name));
  const draw = (): Float64Array =>
    initialParameters(layout, parameterCount, initializer, createRandom(seed), (layer) =>
      names.has(layer),
    );
  // Not `??`: a null is refused, as any other value that is no list.
  const { parameters = draw() } = options;
  network.setParameters(parameters);
  return network;
}

/** {@link createNetwork} for a call that takes its time.
 *  @param parts hold the parameters one after the other, and are not changed meanwhile
 *  @internal */
export async function createNetworkFrom<D extends DType = 'float64'>(
  spec: NetworkSpec,
  parts: readonly NativeArray[],
  options: Pick<NetworkOptions<D>, 'dtype' | 'tensorNames'>,
  signal?: AbortSignal,
): Promise<Network<D>> {
  const { network } = emptyNetwork(spec, options);
  await network.loadParameters(parts, signal);
  return network;
}

function emptyNetwork<D extends DType>(
  spec: NetworkSpec,
  options: NetworkOptions<D>,
): { readonly network: Network<D>; readonly parsed: ParsedSpec } {
  const { dtype, tensorNames } = parseOptions('createNetwork', optionsSchema, options);
  const parsed = parseSpec(spec);
  const network = Network.from({ parsed, dtype: (options.dtype ?? dtype) as D, tensorNames });
  const { layout } = network;
  if (tensorNames !== undefined && tensorNames.length !== layout.length) {
    throw new EigenscapeError(
      'ERR_SPEC',
      `createNetwork: tensorNames holds ${String(tensorNames.length)} names; expected ${String(layout.length)}, one for each tensor of parameters`,
      { details: { given: tensorNames.length, expected: layout.length } },
    );
  }
  return { network, parsed };
}
