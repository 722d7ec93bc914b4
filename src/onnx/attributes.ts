// Typed reading of a node's attributes.

import { invalid } from './failures.js';
import {
  AttributeProto_AttributeType as AttributeType,
  type AttributeProto,
  type TensorProto,
} from './onnx_pb.js';

/** The attributes of one node; each reader gives the standard's default when one is absent. */
export class Attributes {
  readonly #protos: ReadonlyMap<string, AttributeProto>;
  readonly #given: readonly AttributeProto[];
  readonly #owner: string;

  /** @param owner the node, for messages */
  constructor(owner: string, protos: readonly AttributeProto[]) {
    this.#owner = owner;
    this.#given = protos;
    this.#protos = new Map(protos.map((proto) => [proto.name, proto]));
  }

  /** Each attribute of the node, as often as it is given. */
  types(): readonly Pick<AttributeProto, 'name' | 'type'>[] {
    return this.#given;
  }

  has(name: string): boolean {
    return this.#protos.has(name);
  }

  /** ONNX stores float32. A decimal of nine digits or fewer comes back as it was written, so that
   *  PyTorch's slope 0.01 is 0.01 and not 0.009999999776482582. */
  decimal(name: string, fallback: number): number {
    const value = this.float(name);
    return value === undefined ? fallback : shortestDecimal(value);
  }

  float(name: string): number | undefined {
    return this.#get(name, AttributeType.FLOAT)?.f;
  }

  integer(name: string, fallback: number): number {
    const proto = this.#get(name, AttributeType.INT);
    return proto === undefined ? fallback : Number(proto.i);
  }

  text(name: string, fallback: string): string {
    const proto = this.#get(name, AttributeType.STRING);
    return proto === undefined ? fallback : new TextDecoder().decode(proto.s);
  }

  floats(name: string): readonly number[] | undefined {
    return this.#get(name, AttributeType.FLOATS)?.floats;
  }

  integers(name: string): readonly number[] | undefined {
    return this.#get(name, AttributeType.INTS)?.ints.map(Number);
  }

  tensor(name: string): TensorProto | undefined {
    return this.#get(name, AttributeType.TENSOR)?.t;
  }

  #get(name: string, type: AttributeType): AttributeProto | undefined {
    const proto = this.#protos.get(name);
    if (proto === undefined || proto.type === type) return proto;
    const names: Record<number, string> = AttributeType;
    throw invalid(
      `Attribute '${name}' of ${this.#owner} is of type ${names[proto.type] ?? proto.type}; ` +
        `${names[type] ?? type} is expected.`,
    );
  }
}

function shortestDecimal(value: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const decimal = Number(value.toPrecision(digits));
    if (Math.fround(decimal) === value) return decimal;
  }
  return value;
}
