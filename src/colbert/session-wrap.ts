/** What sessions have in common, whichever runtime carries them: tensors in, rows out, errors with a code. */
import type * as ort from 'onnxruntime-web/webgpu';
import { LateralError } from '../errors.ts';
import type { ModelWeights, Session, WeightsFile } from './session-api.ts';

const knownInputs = ['input_ids', 'attention_mask', 'token_type_ids'];

/** @throws 'model-invalid' where the graph's inputs are not ours */
export function wrapSession(
  session: ort.InferenceSession,
  Tensor: typeof ort.Tensor,
  { device, half, threads }: Pick<Session, 'device' | 'half' | 'threads'>,
): Session {
  const [outputName] = session.outputNames;
  const unknown = session.inputNames.filter((name) => !knownInputs.includes(name));
  const missing = ['input_ids', 'attention_mask'].filter((name) => !session.inputNames.includes(name));
  if (outputName === undefined || missing.length > 0 || unknown.length > 0) {
    throw new LateralError(
      'model-invalid',
      `The model reads ${session.inputNames.join(', ')}; input_ids and attention_mask are expected, and token_type_ids at most beside them.`,
    );
  }
  const hasTypes = session.inputNames.includes('token_type_ids');
  return {
    device,
    half: half ?? false,
    threads,
    async run(inputIds, attentionMask, batch, length) {
      const feeds = {
        input_ids: new Tensor('int64', inputIds, [batch, length]),
        attention_mask: new Tensor('int64', attentionMask, [batch, length]),
        // Which of two texts a token belongs to, in BERT's exports: here there is one.
        ...(hasTypes && { token_type_ids: new Tensor('int64', new BigInt64Array(batch * length), [batch, length]) }),
      };
      let output: ort.Tensor | undefined;
      try {
        output = (await session.run(feeds))[outputName];
        const rows = (await output!.getData()) as Float32Array;
        return { rows, dim: output!.dims[2] ?? 0 };
      } catch (cause) {
        throw runtimeError(cause, `Encoding failed on ${device}`);
      } finally {
        output?.dispose();
      }
    },
    release: () => session.release(),
  };
}

/**
 * As ONNX Runtime Web's option. Of a file it asks nothing but its length and, tensor by tensor, parts of it, which it copies at once into
 * its own memory (read in the sources of 1.30). So a file that lies elsewhere stands in for bytes, and weights are never in memory twice.
 */
export function externalData({ external }: ModelWeights): { readonly path: string; readonly data: Uint8Array }[] {
  return external.map(({ path, bytes }) => ({ path, data: bytes instanceof Uint8Array ? bytes : lazyBytes(bytes) }));
}

/** For a runtime that wants all of it. */
export function externalBytes({ external }: ModelWeights): { readonly path: string; readonly data: Uint8Array }[] {
  return external.map(({ path, bytes }) => ({
    path,
    data: bytes instanceof Uint8Array ? bytes : bytes.readSync(0, bytes.size),
  }));
}

function lazyBytes({ size, ...file }: WeightsFile): Uint8Array {
  return Object.defineProperties(new Uint8Array(0), {
    byteLength: { value: size },
    length: { value: size },
    subarray: { value: (begin: number, end: number) => file.readSync(begin, end - begin) },
  });
}

export function runtimeError(cause: unknown, what: string): LateralError {
  const text = cause instanceof Error ? cause.message : String(cause);
  if (/device.*lost|lost.*device|destroyed|external Instance reference/i.test(text))
    return new LateralError('gpu-lost', `${what}: the graphics device was lost.`, { cause });
  if (/alloc|memory/i.test(text)) return new LateralError('out-of-memory', `${what}: not enough memory.`, { cause });
  return new LateralError('model-invalid', `${what}: ${text}`, { cause });
}
