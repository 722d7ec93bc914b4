// [1 − p, p] with p = sigmoid(z): how scikit-learn's converter ends a classifier of two classes.

import type { GraphNode } from '../graph.js';
import { withLayer, type FeaturesValue, type Value } from '../values.js';

/** Both probabilities as a layer of their own, which only the end of a file may have; undefined for
 *  other values. */
export function binaryProbabilities(
  node: GraphNode,
  inputs: readonly (Value | undefined)[],
): FeaturesValue | undefined {
  const [rest, p, ...more] = inputs;
  if (rest?.kind !== 'pending' || p?.kind !== 'features' || more.length > 0) return undefined;
  const isPair =
    rest.form.kind === 'complement' &&
    rest.stage === p.stage &&
    p.stage.layer.type === 'sigmoid' &&
    p.view.join() === '1' &&
    [1, -1].includes(node.attributes.integer('axis', 1));
  return isPair ? withLayer(node, p, { type: 'binaryProbabilities' }) : undefined;
}
