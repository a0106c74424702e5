/**
 * Lets the hosts of a download into the policy of the worker that asks them, and of nothing else. The page's own policy, and that of
 * every other worker, stays `connect-src 'self'` (docs/design.md).
 */
import { isConnectSource } from '../../../scripts/headers.mjs';
import { LateralError, modelsWorkerUrl } from '../../index.ts';
import { permits } from './permits.ts';
import { activeWorker, register } from './service-worker.ts';

/**
 * Resolves when a worker made now from `modelsWorkerUrl(origins)` may ask these origins. There is nothing to take back: the permission
 * is that worker's, and ends with it.
 * @param origins as `connectSources` gives them
 * @throws 'invalid-argument' for what a policy cannot have as a host; 'reload-needed' where one reload helps (the service worker does not answer this page yet), 'host-blocked' where it would not
 */
export async function permitOrigins(origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return;
  const odd = origins.find((origin) => !isConnectSource(origin));
  if (odd !== undefined) {
    throw new LateralError(
      'invalid-argument',
      `"${odd}" cannot be permitted: only https:// and a host, or http://localhost and http://127.0.0.1 on this machine.`,
    );
  }
  const policy = await policyFor(origins);
  const blocked = origins.filter((origin) => !permits(policy, origin));
  if (blocked.length === 0) return;
  if (await reloadHelps()) {
    throw new LateralError('reload-needed', 'Reload this page once, so that Lateral can let the download through.', {
      details: { hosts: blocked.join(' ') },
    });
  }
  throw new LateralError(
    'host-blocked',
    `The content security policy here does not let Lateral ask ${blocked.join(' ')}. Drop a folder with the model's files instead.`,
    { details: { hosts: blocked.join(' ') } },
  );
}

/** What the script of that worker comes with, asked for on the same way; null where nothing is limited. */
async function policyFor(origins: readonly string[]): Promise<string | null> {
  let response: Response;
  try {
    response = await fetch(modelsWorkerUrl(origins), { credentials: 'same-origin' });
  } catch (cause) {
    throw new LateralError('worker-failed', 'Part of Lateral did not load. What is here is safe. Reload the page.', {
      cause,
    });
  }
  void response.body?.cancel();
  return response.headers.get('content-security-policy');
}

/** Whether a service worker is there that will answer the next load of this page, but does not answer this one. */
async function reloadHelps(): Promise<boolean> {
  const container = navigator.serviceWorker as ServiceWorkerContainer | undefined; // only where the page is served securely
  if (!import.meta.env.PROD || container?.controller !== null) return false;
  const registration = await register();
  return registration !== null && (await activeWorker(registration)) !== null;
}
