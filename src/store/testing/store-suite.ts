/** The contract of index-store.ts as tests, run over every store. */
import { describe, expect, it } from 'vitest';
import { crc32c } from '../checksum.ts';
import { describeAside } from './aside-suite.ts';
import { describeBlocks } from './blocks-suite.ts';
import { describeDocuments } from './documents-suite.ts';
import { describePending } from './pending-suite.ts';
import { describeVectors } from './vectors-suite.ts';
import type { StoreHarness } from './store-fixture.ts';

export function describeStore(title: string, harness: StoreHarness): void {
  describe(title, () => {
    describeDocuments(harness);
  });
  describe(title, () => {
    describeBlocks(harness);
  });
  describe(title, () => {
    describePending(harness);
  });
  describe(title, () => {
    describeVectors(harness);
  });
  describe(title, () => {
    describeAside(harness);
  });
}

/** Both stores lean on it, so it is checked wherever the suite runs. */
export function describeChecksum(): void {
  describe('CRC-32C', () => {
    it('gives the published values', () => {
      expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
      expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa); // RFC 3720 B.4: 32 bytes of zeroes
      expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
      expect(crc32c(new Uint8Array(0))).toBe(0);
    });

    it('goes on where it stopped, at any place', () => {
      const bytes = Uint8Array.from({ length: 41 }, (_, i) => (i * 37) & 255);
      for (let cut = 0; cut <= bytes.length; cut++) {
        expect(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)))).toBe(crc32c(bytes));
      }
    });
  });
}
