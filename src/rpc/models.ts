/** The models' worker over a channel. */
import type { ModelsApi } from '../engine/models-api.ts';
import { createClient, type Client } from './client.ts';
import type { Channel } from './protocol.ts';
import { serve } from './server.ts';

export type ModelsClient = Client<ModelsApi>;

export const createModelsClient = (channel: Channel): ModelsClient => createClient<ModelsApi>(channel);

export const serveModels = (models: ModelsApi, channel: Channel): void => serve<ModelsApi>(models, channel);
