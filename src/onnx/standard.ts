// A node beside the standard: the numbers of its inputs and outputs, and its attributes. What a damaged file
// calls `ztrides` would otherwise be left at its default, without a word.

import type { GraphNode } from './graph.js';
import { invalid, type Problem } from './failures.js';
import { operatorSchemas } from './operator-schemas.js';
import { AttributeProto_AttributeType as AttributeType } from './onnx_pb.js';

interface Schema {
  readonly inputs: Extent;
  readonly outputs: Extent;
  readonly attributes: ReadonlyMap<
    string,
    { readonly type: AttributeType; readonly required: boolean }
  >;
}

interface Extent {
  readonly text: string;
  readonly least: number;
  readonly most: number;
}

const types: Readonly<Record<string, AttributeType>> = {
  float: AttributeType.FLOAT,
  int: AttributeType.INT,
  string: AttributeType.STRING,
  tensor: AttributeType.TENSOR,
  floats: AttributeType.FLOATS,
  ints: AttributeType.INTS,
  strings: AttributeType.STRINGS,
  sparse: AttributeType.SPARSE_TENSOR,
};

/** What is wrong with a node of an operator that the importer knows.
 *  @throws EigenscapeError ERR_ONNX_INVALID for an attribute of another type */
export function standardProblems(node: GraphNode): Problem[] {
  const versions = operatorSchemas[node.operator];
  if (versions === undefined) return [];
  const { operator, name } = node;
  // ONNX's other domains count their own versions.
  const version = operator.includes(':') ? Infinity : node.opset;
  const since = Object.keys(versions).map(Number);
  const newest = Math.max(...since.filter((first) => first <= version));
  const text = versions[newest];
  if (text === undefined) {
    const reason = `exists since operator set ${Math.min(...since)}; the file uses ${node.opset}`;
    return [{ operator, name, reason }];
  }
  const schema = parsed(text);
  const reasons = [
    ...countReasons('input', node.inputs.length, lenient(operator, schema.inputs)),
    ...countReasons('output', node.outputs.length, schema.outputs),
    ...attributeReasons(node, schema),
  ];
  return reasons.map((reason) => ({ operator, name, reason }));
}

/** Writers leave out Gemm's C in the sets, up to 10, that require it. */
function lenient(operator: string, inputs: Extent): Extent {
  return operator === 'Gemm' ? { ...inputs, least: 2 } : inputs;
}

function countReasons(what: 'input' | 'output', count: number, { text, least, most }: Extent) {
  if (count >= least && count <= most) return [];
  return [`has ${count} ${what}s; ${text} are expected`];
}

function attributeReasons(
  { attributes, opset, operator, name: nodeName }: GraphNode,
  schema: Schema,
): string[] {
  const given = attributes.types();
  const missing = [...schema.attributes]
    .filter(([name, { required }]) => required && !attributes.has(name))
    .map(([name]) => `has no attribute ${name}, which is required`);
  const names: Readonly<Record<number, string>> = AttributeType;
  const wrong = given.flatMap(({ name, type }) => {
    const known = schema.attributes.get(name);
    if (known === undefined) {
      return [`has an attribute '${name}', which the operator does not have in set ${opset}`];
    }
    if (type === known.type) return [];
    throw invalid(
      `Attribute '${name}' of ${operator} '${nodeName}' is of type ${names[type] ?? type}; ` +
        `${names[known.type] ?? known.type} is expected.`,
    );
  });
  const repeated = given
    .filter(({ name }, index) => given.findIndex((other) => other.name === name) < index)
    .map(({ name }) => `has the attribute '${name}' twice`);
  return [...missing, ...wrong, ...repeated];
}

function parsed(text: string): Schema {
  const [inputs = '', , outputs = '', ...attributes] = text.split(' ');
  const entries = attributes.map((entry) => {
    const [name = '', type = ''] = entry.split(':');
    const required = name.endsWith('!');
    const known = types[type] ?? AttributeType.UNDEFINED;
    return [required ? name.slice(0, -1) : name, { type: known, required }] as const;
  });
  return { inputs: extent(inputs), outputs: extent(outputs), attributes: new Map(entries) };
}

function extent(text: string): Extent {
  const [least = '0', most = least] = text.split('-');
  return { text, least: Number(least), most: most === '*' ? Infinity : Number(most) };
}
