/** What a browser's pages hold of memory: Linux tells, by /proc. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';

/** Sets the peaks of the browser's pages back. @returns bytes that the largest of them holds now; null where the system does not tell */
export async function startWatching(browser: Browser): Promise<number | null> {
  try {
    const ids = await renderers(browser);
    for (const id of ids) writeFileSync(`/proc/${id}/clear_refs`, '5');
    return Math.max(...ids.map((id) => memory(id, 'VmRSS')));
  } catch {
    return null;
  }
}

/** Bytes that the largest of the browser's pages held at most since then. */
export async function peakBytes(browser: Browser): Promise<number | null> {
  try {
    return Math.max(...(await renderers(browser)).map((id) => memory(id, 'VmHWM')));
  } catch {
    return null;
  }
}

async function renderers(browser: Browser): Promise<number[]> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
}

function memory(id: number, field: 'VmRSS' | 'VmHWM'): number {
  const found = new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${id}/status`, 'utf8'));
  return Number(found![1]) * 1024;
}
