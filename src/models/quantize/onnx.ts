/**
 * The messages of an ONNX file, as far as the quantiser touches them; all other fields are kept as they came (unknown
 * fields). The only import of the protobuf library. Field numbers: github.com/onnx/onnx, onnx/onnx.proto.
 */
import {
  clearField,
  create,
  createFileRegistry,
  fromBinary,
  toBinary,
  type Message,
  type MessageInitShape,
} from '@bufbuild/protobuf';
import type { GenMessage } from '@bufbuild/protobuf/codegenv2';
import {
  type DescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';
import { LateralError } from '../../errors.ts';

export type ModelProto = Message<'onnx.ModelProto'> & {
  irVersion: bigint;
  graph?: GraphProto;
  opsetImport: OperatorSetId[];
};

export type OperatorSetId = Message<'onnx.OperatorSetIdProto'> & { domain: string; version: bigint };

export type GraphProto = Message<'onnx.GraphProto'> & {
  node: NodeProto[];
  name: string;
  initializer: TensorProto[];
  input: ValueInfo[];
  output: ValueInfo[];
  valueInfo: ValueInfo[];
};

export type NodeProto = Message<'onnx.NodeProto'> & {
  input: string[];
  output: string[];
  name: string;
  opType: string;
  attribute: Attribute[];
  docString: string;
  domain: string;
  metadataProps: StringEntry[];
};

export type Attribute = Message<'onnx.AttributeProto'> & {
  name: string;
  f: number;
  i: bigint;
  t?: TensorProto;
  g?: GraphProto;
  ints: bigint[];
  tensors: TensorProto[];
  graphs: GraphProto[];
  type: number;
};

export type TensorProto = Message<'onnx.TensorProto'> & {
  dims: bigint[];
  dataType: number;
  floatData: number[];
  int32Data: number[];
  int64Data: bigint[];
  name: string;
  rawData: Uint8Array;
  doubleData: number[];
  uint64Data: bigint[];
  docString: string;
  externalData: StringEntry[];
  dataLocation: number;
  metadataProps: StringEntry[];
  /** Ours, in memory only: 1 + the place in `Skeleton.payloads` of bytes that were not read. */
  payload: number;
};

export type ValueInfo = Message<'onnx.ValueInfoProto'> & { name: string; type?: TypeProto };

export type TypeProto = Message<'onnx.TypeProto'> & { tensorType?: TensorType };

export type TensorType = Message<'onnx.TypeProto.Tensor'> & { elemType: number; shape?: Shape };

export type Shape = Message<'onnx.TensorShapeProto'> & { dim: Dimension[] };

export type Dimension = Message<'onnx.TensorShapeProto.Dimension'> & { dimValue: bigint; dimParam: string };

export type StringEntry = Message<'onnx.StringStringEntryProto'> & { key: string; value: string };

/** TensorProto.DataType */
export const elementType = {
  float: 1,
  uint8: 2,
  int8: 3,
  int64: 7,
  bool: 9,
  float16: 10,
  bfloat16: 16,
} as const;

/** Bits of an element by TensorProto.DataType; none: strings and types that are not known here. */
export const elementBits: ReadonlyMap<number, number> = new Map([
  ...[1, 6, 12].map((type) => [type, 32] as const), // float, int32, uint32
  ...[2, 3, 9, 17, 18, 19, 20, 24].map((type) => [type, 8] as const), // uint8, int8, bool, float8…
  ...[4, 5, 10, 16].map((type) => [type, 16] as const), // uint16, int16, float16, bfloat16
  ...[7, 11, 13, 14].map((type) => [type, 64] as const), // int64, double, uint64, complex64
  ...[21, 22].map((type) => [type, 4] as const), // uint4, int4
]);

/** AttributeProto.AttributeType */
export const attributeType = { float: 1, int: 2 } as const;

/** TensorProto.DataLocation */
export const external = 1;

/** Where `payload` stands: a number that ONNX will not use. */
export const payloadField = 50_000;

type Kind = 'int64' | 'int32' | 'float' | 'double' | 'uint64' | 'string' | 'bytes' | (string & {});

/** name → number, kind (a scalar or a message), '*' for repeated, 'packed' where the numbers lie in one run. */
type Fields = Readonly<Record<string, readonly [number, Kind, ('*' | 'packed')?]>>;

const messages: Readonly<Record<string, Fields>> = {
  ModelProto: { ir_version: [1, 'int64'], graph: [7, 'GraphProto'], opset_import: [8, 'OperatorSetIdProto', '*'] },
  OperatorSetIdProto: { domain: [1, 'string'], version: [2, 'int64'] },
  GraphProto: {
    node: [1, 'NodeProto', '*'],
    name: [2, 'string'],
    initializer: [5, 'TensorProto', '*'],
    input: [11, 'ValueInfoProto', '*'],
    output: [12, 'ValueInfoProto', '*'],
    value_info: [13, 'ValueInfoProto', '*'],
  },
  NodeProto: {
    input: [1, 'string', '*'],
    output: [2, 'string', '*'],
    name: [3, 'string'],
    op_type: [4, 'string'],
    attribute: [5, 'AttributeProto', '*'],
    doc_string: [6, 'string'],
    domain: [7, 'string'],
    metadata_props: [9, 'StringStringEntryProto', '*'],
  },
  AttributeProto: {
    name: [1, 'string'],
    f: [2, 'float'],
    i: [3, 'int64'],
    t: [5, 'TensorProto'],
    g: [6, 'GraphProto'],
    ints: [8, 'int64', '*'],
    tensors: [10, 'TensorProto', '*'],
    graphs: [11, 'GraphProto', '*'],
    type: [20, 'int32'], // an enum; the same on the wire
  },
  TensorProto: {
    dims: [1, 'int64', '*'],
    data_type: [2, 'int32'],
    float_data: [4, 'float', 'packed'],
    int32_data: [5, 'int32', 'packed'],
    int64_data: [7, 'int64', 'packed'],
    name: [8, 'string'],
    raw_data: [9, 'bytes'],
    double_data: [10, 'double', 'packed'],
    uint64_data: [11, 'uint64', 'packed'],
    doc_string: [12, 'string'],
    external_data: [13, 'StringStringEntryProto', '*'],
    data_location: [14, 'int32'], // an enum
    metadata_props: [16, 'StringStringEntryProto', '*'],
    payload: [payloadField, 'int32'],
  },
  ValueInfoProto: { name: [1, 'string'], type: [2, 'TypeProto'] },
  TypeProto: { tensor_type: [1, 'TypeProto.Tensor'] },
  'TypeProto.Tensor': { elem_type: [1, 'int32'], shape: [2, 'TensorShapeProto'] },
  TensorShapeProto: { dim: [1, 'TensorShapeProto.Dimension', '*'] },
  'TensorShapeProto.Dimension': { dim_value: [1, 'int64'], dim_param: [2, 'string'] },
  StringStringEntryProto: { key: [1, 'string'], value: [2, 'string'] },
};

const scalars: Readonly<Record<string, Type>> = {
  int64: Type.INT64,
  int32: Type.INT32,
  float: Type.FLOAT,
  double: Type.DOUBLE,
  uint64: Type.UINT64,
  string: Type.STRING,
  bytes: Type.BYTES,
};

const registry = createFileRegistry(
  create(FileDescriptorProtoSchema, {
    name: 'onnx.proto',
    package: 'onnx',
    syntax: 'proto2',
    messageType: Object.keys(messages)
      .filter((name) => !name.includes('.'))
      .map(describe),
  }),
  () => undefined,
);

function describe(name: string): MessageInitShape<typeof DescriptorProtoSchema> {
  const nested = Object.keys(messages).filter((other) => other.startsWith(`${name}.`));
  return {
    name: name.split('.').at(-1)!,
    nestedType: nested.map(describe),
    field: Object.entries(messages[name]!).map(([field, [number, kind, repeated]]) => ({
      name: field,
      number,
      label: repeated === undefined ? Label.OPTIONAL : Label.REPEATED,
      ...(kind in scalars ? { type: scalars[kind]! } : { type: Type.MESSAGE, typeName: `.onnx.${kind}` }),
      ...(repeated === 'packed' ? { options: { packed: true } } : {}),
    })),
  };
}

function schema<T extends Message>(name: string): GenMessage<T> {
  return registry.getMessage(`onnx.${name}`) as unknown as GenMessage<T>;
}

export const schemas = {
  model: schema<ModelProto>('ModelProto'),
  opset: schema<OperatorSetId>('OperatorSetIdProto'),
  node: schema<NodeProto>('NodeProto'),
  attribute: schema<Attribute>('AttributeProto'),
  tensor: schema<TensorProto>('TensorProto'),
  valueInfo: schema<ValueInfo>('ValueInfoProto'),
  dimension: schema<Dimension>('TensorShapeProto.Dimension'),
  entry: schema<StringEntry>('StringStringEntryProto'),
};

/** A model with a graph. @throws 'model-invalid' */
export function decodeModel(bytes: Uint8Array): ModelProto & { graph: GraphProto } {
  let model: ModelProto;
  try {
    model = fromBinary(schemas.model, bytes);
  } catch (cause) {
    throw new LateralError('model-invalid', 'This is not an ONNX file, or it is damaged. Download it again.', {
      cause,
    });
  }
  if (model.graph === undefined || model.graph.output.length === 0) {
    throw new LateralError('model-invalid', 'This file has no ONNX graph in it. Choose the .onnx file of a model.');
  }
  return model as ModelProto & { graph: GraphProto };
}

export function encodeModel(model: ModelProto): Uint8Array {
  return toBinary(schemas.model, model);
}

export const message = create;

/** Leaves out what only people who debug an exporter read: it can be most of a graph. */
export function clearTraces(node: NodeProto): void {
  clearField(node, schemas.node.field.docString);
  node.metadataProps = [];
}
