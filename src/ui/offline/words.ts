/** What is said about working offline and about new versions. */
import type { StallReason } from '../../../workers/offline/messages.ts';

export const offlineWords = {
  ready: 'Ready offline',
  offlineReady: 'You are offline. Everything here works as always.',
  offlineNotReady: 'You are offline, and not all of Lateral is on this device yet.',
  brief: {
    offlineReady: 'You are offline',
    offlineNotReady: 'You are offline',
    keeping: (done: number, total: number): string =>
      `Offline: ${total === 0 ? 0 : Math.min(99, Math.floor((100 * done) / total))} % ready`,
    stalled: 'Not ready offline yet',
  },
  keeping: (done: number, total: number): string =>
    `Making Lateral work offline · ${megabytes(done)} of ${megabytes(total)} MB`,
  stalled: {
    network: 'Not ready offline yet: the connection broke off. Lateral tries again by itself.',
    space: 'Not ready offline: this browser has no room left. Delete something, then reload.',
    damaged: 'Not ready offline: the server sent a damaged file. Lateral tries again by itself.',
  } satisfies Record<StallReason, string>,
  update: 'A new version is ready.',
  updateWhileReading: 'A new version is ready. Files that are still to be read wait for you after the reload.',
  reload: 'Reload',
  later: 'Later',
  partMissing: 'Part of Lateral did not load. Your documents are safe.',
};

const megabytes = (bytes: number): number => Math.round(bytes / 1e6);
