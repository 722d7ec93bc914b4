// Model-local functions (PyTorch's first dynamo exporter writes every module as one, `pkg.torch…`)
// written out in place, so that only operators remain.

import { clone, create } from '@bufbuild/protobuf';
import { invalid } from './failures.js';
import {
  AttributeProtoSchema,
  NodeProtoSchema,
  type AttributeProto,
  type FunctionProto,
  type NodeProto,
} from './onnx_pb.js';
import { isStandardDomain, standardOpset } from './opset.js';

export interface VersionedNode {
  readonly proto: NodeProto;
  readonly opset: number;
}

// Functions that call functions multiply: a small file could ask for more nodes than memory holds.
const nodeLimit = 100_000;
const depthLimit = 32;

/** @throws EigenscapeError ERR_ONNX_INVALID when functions call each other without end */
export function inlineFunctions(
  nodes: readonly NodeProto[],
  functions: readonly FunctionProto[],
  opset: number,
): readonly VersionedNode[] {
  const table = new Map(functions.map((definition) => [functionKey(definition), definition]));
  const result: VersionedNode[] = [];
  let written = 0;
  const walk = (protos: readonly NodeProto[], version: number, depth: number): void => {
    for (const proto of protos) {
      const definition = table.get(functionKey({ ...proto, name: proto.opType }));
      if (definition === undefined) result.push({ proto, opset: version });
      else {
        const body = instantiate(proto, definition);
        written += body.length + 1;
        if (depth >= depthLimit || written > nodeLimit) {
          throw invalid(
            `The model's function '${definition.name}' expands to over ${nodeLimit} nodes or ` +
              `calls functions more than ${depthLimit} deep.`,
          );
        }
        walk(body, standardOpset(definition.opsetImport) ?? version, depth + 1);
      }
    }
  };
  walk(nodes, opset, 0);
  return result;
}

function functionKey(id: { domain: string; name: string; overload: string }): string {
  return JSON.stringify([isStandardDomain(id.domain) ? '' : id.domain, id.name, id.overload]);
}

/** The function's nodes with the caller's values for formal ones; inner names get a prefix. */
function instantiate(call: NodeProto, definition: FunctionProto): NodeProto[] {
  const prefix = `${call.name === '' ? (call.output[0] ?? '') : call.name}/`;
  const names = new Map([['', '']]);
  definition.output.forEach((formal, index) => {
    const actual = call.output[index] ?? '';
    names.set(formal, actual === '' ? prefix + formal : actual);
  });
  definition.input.forEach((formal, index) => {
    names.set(formal, call.input[index] ?? '');
  });
  const actualName = (name: string) => names.get(name) ?? prefix + name;

  const given = new Map(
    [...definition.attributeProto, ...call.attribute].map((proto) => [proto.name, proto]),
  );
  return definition.node.map((node) =>
    create(NodeProtoSchema, {
      name: prefix + (node.name === '' ? (node.output[0] ?? '') : node.name),
      opType: node.opType,
      domain: node.domain,
      overload: node.overload,
      input: node.input.map(actualName),
      output: node.output.map(actualName),
      attribute: node.attribute.flatMap((proto) => resolved(proto, given)),
    }),
  );
}

/** An attribute that refers to one of the function's own takes its value, or is absent with it. */
function resolved(
  proto: AttributeProto,
  given: ReadonlyMap<string, AttributeProto>,
): readonly AttributeProto[] {
  if (proto.refAttrName === '') return [proto];
  const value = given.get(proto.refAttrName);
  if (value === undefined) return [];
  const copy = clone(AttributeProtoSchema, value);
  copy.name = proto.name;
  return [copy];
}
