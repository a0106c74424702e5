/** A model's files, wherever they lie: over HTTP from our own origin in the browser, on disk in Node. */
import { LateralError, throwIfAborted, toLateralError } from '../errors.ts';

export interface ModelFiles {
  json(name: string): Promise<unknown>;
  bytes(name: string, onProgress?: (done: number, total: number) => void): Promise<Uint8Array>;
}

/**
 * Reads files below a URL. @throws 'model-unavailable' where one is missing, cut short, or a web page in disguise
 * (servers that answer everything with their start page).
 */
export function fetchModelFiles(baseUrl: string, signal?: AbortSignal): ModelFiles {
  async function get(name: string): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(new URL(name, baseUrl), signal === undefined ? {} : { signal });
    } catch (cause) {
      throwIfAborted(signal);
      throw new LateralError('model-unavailable', `${name} could not be loaded. Check the connection and reload.`, {
        cause: toLateralError(cause),
      });
    }
    if (!response.ok) {
      throw new LateralError(
        'model-unavailable',
        `${name} could not be loaded: the server answered ${response.status}.`,
      );
    }
    if (response.headers.get('content-type')?.includes('text/html') === true) {
      throw new LateralError('model-unavailable', `The server answered with a web page in place of ${name}.`);
    }
    return response;
  }

  return {
    async json(name) {
      const response = await get(name);
      try {
        return JSON.parse(await response.text()) as unknown;
      } catch (cause) {
        throw new LateralError('model-unavailable', `${name} is not valid JSON. Reload to fetch it again.`, { cause });
      }
    },

    async bytes(name, onProgress) {
      const response = await get(name);
      const encoded = response.headers.get('content-encoding');
      const length = Number(response.headers.get('content-length') ?? Number.NaN);
      // With a content encoding the declared length is that of the encoded body, which is not what arrives here.
      const declared = encoded === null && Number.isFinite(length) ? length : null;
      const parts: Uint8Array[] = [];
      let done = 0;
      for (const reader = response.body!.getReader(); ;) {
        const { value, done: ended } = await reader.read().catch((cause: unknown) => {
          throwIfAborted(signal);
          throw new LateralError(
            'model-unavailable',
            `${name} broke off after ${done} bytes. Reload to fetch it again.`,
            {
              cause,
            },
          );
        });
        if (ended) break;
        parts.push(value);
        done += value.length;
        onProgress?.(done, declared ?? done);
      }
      if (declared !== null && declared !== done) {
        throw new LateralError(
          'model-unavailable',
          `${name} arrived with ${done} of ${declared} bytes. Reload to fetch it again.`,
        );
      }
      const bytes = new Uint8Array(done);
      let at = 0;
      for (const part of parts) {
        bytes.set(part, at);
        at += part.length;
      }
      return bytes;
    },
  };
}
