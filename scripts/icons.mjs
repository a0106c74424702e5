/** Draws the PNG icons in public/ from public/icon.svg: `node scripts/icons.mjs`, after each change of it. */
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { findChromium } from './chromium.mjs';
import { root } from './setup.mjs';

const svg = readFileSync(`${root}public/icon.svg`, 'utf8');
/** Edge to edge, for systems that cut the shape themselves: the drawing lies within the middle 80 %. */
const maskable = svg
  .replace(/rx="7" /, '')
  .replace('viewBox="0 0 32 32"', 'viewBox="-4 -4 40 40"')
  .replace(/<rect width="32" height="32"/, '<rect x="-4" y="-4" width="40" height="40"');

const browser = await chromium.launch(findChromium().launch);
try {
  await draw('icon-192', svg, 192);
  await draw('icon-512', svg, 512);
  await draw('icon-maskable-512', maskable, 512);
  await draw('icon-180', maskable, 180); // iOS rounds the corners, and fills what is transparent with black
} finally {
  await browser.close();
}

async function draw(name, drawing, size) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(`<style>body{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${drawing}`);
  await page.screenshot({ path: `${root}public/${name}.png`, omitBackground: true });
  await page.close();
}
