/** The engine over a channel: `serve` and `createClient` with its types, and what of its results moves. */
import type { Engine, EngineApi, EngineEvent } from '../engine/engine-api.ts';
import { createClient, type Client } from './client.ts';
import type { Channel, Method, Result } from './protocol.ts';
import { serve } from './server.ts';

export type EngineClient = Client<EngineApi, EngineEvent>;

export const createEngineClient = (channel: Channel): EngineClient => createClient<EngineApi, EngineEvent>(channel);

export function serveEngine(engine: Engine, channel: Channel): void {
  serve<EngineApi, EngineEvent>(engine, channel, { transferable });
}

/** Large results move rather than being copied. */
function transferable(method: Method<EngineApi>, value: Result<EngineApi, Method<EngineApi>>): Transferable[] {
  if (method === 'pageImage') return [(value as Result<EngineApi, 'pageImage'>).bitmap];
  if (method !== 'embed') return [];
  return (value as Result<EngineApi, 'embed'>).map(({ rows }) => rows.buffer as ArrayBuffer);
}
