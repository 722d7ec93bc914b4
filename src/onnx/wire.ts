// Whether bytes are a protobuf message of a given type, field by field. The decoder reads on where a field
// has the wire type of another, or reaches past the message that holds it: of a damaged file it makes a model.

import { ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

// As protobuf's own readers: a graph within a graph takes three.
const depthLimit = 100;
// 64 bits, seven to a byte.
const longestVarint = 10;

/** @throws Error saying what is wrong and where; a field that `schema` does not know is skipped */
export function checkWireFormat(bytes: Uint8Array, schema: DescMessage): void {
  checkMessage(bytes, schema, depthLimit);
}

function checkMessage(bytes: Uint8Array, schema: DescMessage, depth: number): void {
  if (depth === 0) throw new Error(`messages lie over ${depthLimit} deep in each other`);
  const fields = new Map(schema.fields.map((field) => [field.number, field]));
  const reader = new BinaryReader(bytes);
  const seen = new Set<number>();
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const field = fields.get(number);
    if (field === undefined) {
      reader.skip(type, number);
      continue;
    }
    // Readers keep the last; writers write one. (Models are joined end to end by some tools, so not there.)
    if (seen.has(number) && field.fieldKind === 'scalar' && depth < depthLimit) {
      throw new Error(`${field.parent.name} holds ${field.name} twice`);
    }
    seen.add(number);
    checkField(reader, { field, type, depth });
  }
}

interface Occurrence {
  readonly field: DescField;
  readonly type: WireType;
  readonly depth: number;
}

function checkField(reader: BinaryReader, { field, type, depth }: Occurrence): void {
  const own = wireType(field);
  const isPacked = field.fieldKind === 'list' && own !== WireType.LengthDelimited && type !== own;
  if (type !== (isPacked ? WireType.LengthDelimited : own)) {
    throw new Error(`${field.parent.name}.${field.name} has the wire type ${type}`);
  }
  if (type !== WireType.LengthDelimited) {
    const content = reader.skip(type, field.number);
    if (content.length > longestVarint)
      throw new Error(`${field.name} is a number of over 64 bits`);
    return;
  }
  // It refuses what reaches behind the message.
  const content = reader.bytes();
  if (field.message !== undefined) checkMessage(content, field.message, depth - 1);
  else if (isPacked) checkPacked(content, own, field.name);
}

/** Numbers of one wire type, side by side; there may be millions. */
function checkPacked(content: Uint8Array, type: WireType, name: string): void {
  if (type !== WireType.Varint) {
    if (content.length % (type === WireType.Bit32 ? 4 : 8) === 0) return;
    throw new Error(`${name} holds part of a number`);
  }
  let length = 0;
  for (const byte of content) {
    length = byte < 0x80 ? 0 : length + 1;
    if (length >= longestVarint) throw new Error(`${name} holds a number of over 64 bits`);
  }
  if (length > 0) throw new Error(`${name} holds part of a number`);
}

function wireType(field: DescField): WireType {
  if (field.message !== undefined) return WireType.LengthDelimited;
  if (field.enum !== undefined) return WireType.Varint;
  switch (field.scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WireType.Bit32;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WireType.Bit64;
    default:
      return WireType.Varint;
  }
}
