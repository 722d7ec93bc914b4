// The input, which a graph may read as an image here and flat there: to the library it is the image, with
// flatten layers for those that read it flat.

import type { Problem } from './failures.js';
import type { FeaturesValue, Stage } from './values.js';

/** From the input to the last layer, in the order of the graph. */
export function stagesOf({ stage }: Pick<FeaturesValue, 'stage'>): readonly Stage[] {
  const stages = sortedStages(stage);
  const inputs = stages.filter(isInput);
  const image = inputs.find((input) => input.shape.length === 3 && isFlatBeside(input, stages));
  if (image === undefined || inputs.length === 1) return stages;
  return sortedStages(rewired(stages, image));
}

/** What reads the input in several ways that no flatten layer stands between. */
export function inputProblems(stages: readonly Stage[]): Problem[] {
  const [first, ...more] = stages.filter(isInput);
  if (first === undefined || more.length === 0) return [];
  const shapes = [first, ...more].map(({ shape }) => `[${shape.join(', ')}]`).join(' and ');
  const reason = `is read as ${shapes}, for which the library has no layer; export a model whose input is an image`;
  return [{ operator: 'input', name: first.node.name, reason }];
}

export function isInput({ layer }: Stage): boolean {
  return layer.type === 'input';
}

function sortedStages(last: Stage): readonly Stage[] {
  const found = new Set([last]);
  for (const { inputs } of found) inputs.forEach((input) => found.add(input));
  // Two stages of one node were found in reverse; sorting leaves equal ones as they are.
  const sorted = [...found].reverse().sort((a, b) => a.node.position - b.node.position);
  // The input is one, however often the graph makes an image of it.
  const shapes = new Set<string>();
  return sorted.filter((stage) => {
    const shape = stage.shape.join();
    const isAgain = isInput(stage) && shapes.has(shape);
    if (isInput(stage)) shapes.add(shape);
    return !isAgain;
  });
}

function isOther(input: Stage, image: Stage): boolean {
  return isInput(input) && input.shape.join() !== image.shape.join();
}

/** Whether all that reads the input in another shape than the image's reads a vector or makes one. */
function isFlatBeside(image: Stage, stages: readonly Stage[]): boolean {
  return stages.every(
    ({ layer, inputs }) =>
      layer.type === 'flatten' ||
      inputs.every((input) => !isOther(input, image) || input.shape.length === 1),
  );
}

/** The last stage, in a graph whose input is the image alone. */
function rewired(stages: readonly Stage[], image: Stage): Stage {
  const vector = stages.find((stage) => isOther(stage, image) && stage.shape.length === 1);
  const flat: Stage | undefined = vector && {
    inputs: [image],
    layer: { type: 'flatten' },
    shape: vector.shape,
    node: { ...image.node, position: image.node.position + 0.5 },
  };
  const next = new Map<Stage, Stage>();
  const read = (input: Stage, reader: Stage): Stage => {
    if (!isOther(input, image)) return next.get(input) ?? input;
    return reader.layer.type === 'flatten' ? image : (flat ?? input);
  };
  for (const stage of stages) {
    const inputs = stage.inputs.map((input) => read(input, stage));
    const isSame = inputs.every((input, index) => input === stage.inputs[index]);
    next.set(stage, isSame ? stage : { ...stage, inputs });
  }
  const last = stages.at(-1) ?? image;
  return next.get(last) ?? last;
}
