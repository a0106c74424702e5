import { describe, expect, it } from 'vitest';
import { adapterName, isSoftware, requestGpu } from './device.ts';
import { describeShaderErrors } from './pipeline.ts';

const none = { vendor: '', architecture: '', device: '', description: '' };

describe('isSoftware', () => {
  it.each([
    [{ ...none, isFallbackAdapter: true }, true],
    [{ ...none, vendor: 'google', architecture: 'swiftshader' }, true],
    [{ ...none, vendor: 'mesa', description: 'llvmpipe (LLVM 17.0.6, 256 bits)' }, true],
    [{ ...none, description: 'Microsoft Basic Render Driver' }, true],
    [{ ...none, vendor: 'nvidia', architecture: 'ampere', isFallbackAdapter: false }, false],
    [{ ...none, vendor: 'apple', architecture: 'metal-3' }, false],
    [none, false],
  ])('%o: %s', (adapter, expected) => expect(isSoftware(adapter)).toBe(expected));
});

describe('adapterName', () => {
  it('takes the description, else what is known, else says so', () => {
    expect(adapterName({ ...none, vendor: 'nvidia', description: 'NVIDIA GeForce RTX 3060' })).toBe(
      'NVIDIA GeForce RTX 3060',
    );
    expect(adapterName({ ...none, vendor: 'apple', architecture: 'metal-3' })).toBe('apple metal-3');
    expect(adapterName({ ...none, vendor: 'intel', device: '0x46a6' })).toBe('intel 0x46a6');
    expect(adapterName(none)).toBe('graphics adapter without a name');
  });
});

describe('requestGpu', () => {
  it('says so where there is no WebGPU, as in Node', async () => {
    await expect(requestGpu()).rejects.toMatchObject({ code: 'gpu-unavailable' });
  });
});

describe('describeShaderErrors', () => {
  it('shows each place with its line number and a mark', () => {
    const code = 'fn a() {}\nfn b() {\n  let x: u32 = 1.5;\n}\n';
    expect(describeShaderErrors('demo', code, [{ lineNum: 3, linePos: 16, message: 'not a u32' }])).toBe(
      [
        'The shader demo does not compile.',
        '1 | fn a() {}',
        '2 | fn b() {',
        '3 |   let x: u32 = 1.5;',
        '  |                ^ not a u32',
        '4 | }',
      ].join('\n'),
    );
  });

  it('does without a place where the compiler names none', () => {
    expect(describeShaderErrors('demo', '', [{ lineNum: 0, linePos: 0, message: 'too large' }])).toBe(
      'The shader demo does not compile.\ntoo large',
    );
  });
});
