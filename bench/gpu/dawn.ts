/**
 * WebGPU in Node: Dawn from the npm package `webgpu`. Its binaries are 132 MB that nothing else here needs, so it is no
 * dependency: `npm install --no-save webgpu@0.6.2` adds it.
 */
import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { findChromium } from '../../scripts/chromium.mjs';

export interface Dawn {
  readonly gpu: GPU;
  readonly version: string;
}

/** Not a literal, which the compiler would look for. */
const packageName = 'webgpu' as string;

interface DawnPackage {
  readonly create: (options: readonly string[]) => GPU;
  readonly globals: object;
}

/** Null where the package is not installed or has no build for this machine. */
export async function loadDawn(): Promise<Dawn | null> {
  try {
    const { create, globals } = (await import(packageName)) as DawnPackage;
    Object.assign(globalThis, globals); // GPUBufferUsage and the like
    const { version } = createRequire(import.meta.url)('webgpu/package.json') as { version: string };
    // Otherwise timestamps come in steps of 0.1 ms.
    return { gpu: create(['disable-dawn-features=timestamp_quantization']), version };
  } catch {
    return null;
  }
}

/** What SwiftShader, which comes with Chromium, needs to be found by Dawn; null where it is not there. */
export function swiftShaderEnvironment(): Record<string, string> | null {
  const { path } = findChromium();
  const folders = [...(path === undefined ? [] : [dirname(realpathSync(path))]), '/usr/lib/chromium'];
  const folder = folders.find((candidate) => existsSync(join(candidate, driverFile)));
  if (folder === undefined) return null;
  const libraries = [folder, process.env.LD_LIBRARY_PATH ?? ''].filter((part) => part !== '');
  return { VK_ICD_FILENAMES: join(folder, driverFile), LD_LIBRARY_PATH: libraries.join(delimiter) };
}

const driverFile = 'vk_swiftshader_icd.json';
