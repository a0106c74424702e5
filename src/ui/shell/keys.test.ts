import { describe, expect, it } from 'vitest';
import { commandOf } from './keys.ts';

const press = (key: string, code = '', more = {}) => ({
  key,
  code,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...more,
});
const outside = { inText: false, letterKeys: true };

describe('commandOf', () => {
  it('takes letters outside text fields only', () => {
    expect(commandOf(press('n', 'KeyN'), outside)).toBe('next');
    expect(commandOf(press('n', 'KeyN'), { inText: true, letterKeys: true })).toBeNull();
    expect(commandOf(press('n', 'KeyN'), { inText: false, letterKeys: false })).toBeNull();
  });

  it('goes by the key’s place on layouts without Latin letters', () => {
    expect(commandOf(press('ц', 'KeyW'), outside)).toBe('why');
    expect(commandOf(press('ь', 'KeyM'), outside)).toBe('like');
    expect(commandOf(press('Л', 'KeyK', { ctrlKey: true }), outside)).toBe('search');
  });

  it('goes by the letter on Latin layouts, wherever it lies', () => {
    expect(commandOf(press('w', 'KeyZ'), outside)).toBe('why'); // AZERTY
  });

  it('finds the search from inside a text field, and leaves other shortcuts alone', () => {
    expect(commandOf(press('k', 'KeyK', { metaKey: true }), { inText: true, letterKeys: false })).toBe('search');
    expect(commandOf(press('c', 'KeyC', { ctrlKey: true }), outside)).toBeNull();
  });
});
