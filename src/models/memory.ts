/**
 * How much memory a session takes, estimated from a model's shape: weights, and what the longest sequence needs beside them. Where
 * attention is not fused, its scores ([heads, length, length] in f32, two of them at a time) are soon the largest part: they grow
 * with the square of the length. Calibrated against ONNX Runtime Web 1.30 on WebAssembly, within a quarter of what was measured, and
 * seldom below (docs/performance.md; memory.test.ts has the figures).
 */
import { LateralError } from '../errors.ts';
import type { EncoderDevice } from '../types.ts';

/** What of a model's config.json memory follows from. */
export interface ModelShape {
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  /** Width of the feed-forward layer. Default: four times `hidden`. */
  readonly intermediate?: number;
  /** Rows of the embedding table. Default 0: of no weight, or counted in `weightsBytes`. */
  readonly vocabulary?: number;
  /** Tokens that attention sees on each side, where its graph computes no more than these in any layer. Default: all. */
  readonly slidingWindow?: number;
}

export interface SessionSize extends ModelShape {
  /** Of the graph and its data files. Default: as fp32. */
  readonly weightsBytes?: number;
  /** Tokens of the longest sequence, padding included. */
  readonly length: number;
  /** Sequences of that length in a batch. Default 1. */
  readonly batch?: number;
  /** Whether one operator does the whole of attention, without a matrix of its scores. Default false. */
  readonly fusedAttention?: boolean;
}

/** The runtime itself, before there is a model. */
const runtimeBytes = 16e6;
/** While a session is made: the file, what is parsed of it, and matrices laid out anew. Afterwards two of the three stay. */
const weightCopiesAtLoad = 2.6;
const weightCopies = 2;
const f32Bytes = 4;
/** Products and weights of attention: the steps between are done in place. */
const scoreCopies = 2;
/** Rows of width `hidden` that are alive at once: queries, keys, values, as they are and by heads, and the layer's own. */
const hiddenCopies = 9;
/** With a sliding window each block of keys and values is laid beside its neighbours: three times as many, several times over. */
const hiddenCopiesSliding = 19;
/** Rows of the feed-forward layer, where its activation is not fused; attention's are gone by then. */
const intermediateCopies = 3;

/** Bytes at the peak, be it while loading or while encoding. */
export function sessionMemory(size: SessionSize): number {
  const { hidden, heads, length, batch = 1, intermediate = 4 * hidden, slidingWindow } = size;
  const weights = size.weightsBytes ?? weightBytes(size);
  const rows = batch * length * f32Bytes;
  // A window of w: blocks of w queries, each with its own keys and those of the blocks beside it.
  const seen = slidingWindow === undefined ? length : Math.min(length, 3 * slidingWindow);
  const scores = size.fusedAttention === true ? 0 : scoreCopies * rows * heads * seen;
  const copies = slidingWindow === undefined ? hiddenCopies : hiddenCopiesSliding;
  const attention = scores + copies * rows * hidden;
  const feedForward = (intermediateCopies * intermediate + 3 * hidden) * rows;
  const loading = weightCopiesAtLoad * weights;
  return runtimeBytes + Math.max(loading, weightCopies * weights + Math.max(attention, feedForward));
}

/** Bytes that making a session takes at its peak, which for passages of a few hundred tokens is the peak of all. */
export function loadingMemory(weightsBytes: number): number {
  return Math.round(runtimeBytes + weightCopiesAtLoad * weightsBytes);
}

/** @throws 'out-of-memory' where a tab could never hold a session of so many bytes of weights */
export function requireMemory(weightsBytes: number, what: string): void {
  const { fits, message } = fitsInTab(loadingMemory(weightsBytes), 'wasm');
  if (fits) return;
  throw new LateralError('out-of-memory', `${what} is too large for a browser. ${message} Choose a smaller model.`, {
    details: { neededBytes: loadingMemory(weightsBytes), weightsBytes },
  });
}

/** Bytes of a BERT-like model's weights. @param bits per value: 32, 16, 8, or 4 with its scales (one f32 for 32 values) */
export function weightBytes(shape: ModelShape, bits: 32 | 16 | 8 | 4 = 32): number {
  const { layers, hidden, intermediate = 4 * hidden, vocabulary = 0 } = shape;
  const values = layers * (4 * hidden * hidden + 2 * hidden * intermediate) + vocabulary * hidden;
  return (values * (bits <= 8 ? bits + 1 : bits)) / 8;
}

/** @param config a parsed config.json. @throws 'model-invalid' where it lacks a size or has one that is none */
export function modelShape(config: unknown): ModelShape {
  const fields = typeof config === 'object' && config !== null ? (config as Readonly<Record<string, unknown>>) : {};
  const read = (name: string): number | undefined => {
    const value = fields[name] ?? undefined;
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
    throw new LateralError('model-invalid', `config.json has ${JSON.stringify(value)} for ${name}.`);
  };
  const need = (name: string): number => {
    const value = read(name);
    if (value === undefined) throw new LateralError('model-invalid', `config.json has no ${name}.`);
    return value;
  };
  const intermediate = read('intermediate_size');
  const vocabulary = read('vocab_size');
  // Models that mix windows with layers that see all (ModernBERT: `global_attn_every_n_layers`) need what these need.
  const slidingWindow = fields.use_sliding_window === false ? undefined : read('sliding_window');
  return {
    ...{ layers: need('num_hidden_layers'), hidden: need('hidden_size'), heads: need('num_attention_heads') },
    ...(intermediate === undefined ? {} : { intermediate }),
    ...(vocabulary === undefined ? {} : { vocabulary }),
    ...(slidingWindow === undefined || fields.global_attn_every_n_layers !== undefined ? {} : { slidingWindow }),
  };
}

/** WebAssembly of today has 32-bit addresses, and each session's runtime one memory: 4 GiB, of which some is lost between pieces. */
const wasmBytes = 0.9 * 2 ** 32;

export interface Fit {
  readonly fits: boolean;
  /** For a person: how much is needed, and of what. */
  readonly message: string;
}

/**
 * Whether so much can be had at all. How much of it is free nobody tells, so that 'out-of-memory' may still come; and no browser says
 * how much a graphics card has: there the processor's limit is taken, which sessions pass through while they are loaded.
 */
export function fitsInTab(bytes: number, device: EncoderDevice): Fit {
  const need = `about ${gigabytes(bytes)}`;
  if (device === 'native') return { fits: true, message: `It needs ${need} of memory.` };
  const fits = bytes <= wasmBytes;
  const limit = `a tab has ${gigabytes(wasmBytes)} for a model`;
  return {
    fits,
    message: fits ? `It needs ${need} of memory; ${limit}.` : `It would need ${need} of memory; ${limit}.`,
  };
}

function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
