/** The browser's own frame follows a forced theme: the canvas colours of styles/tokens.css. */
const canvas = { light: '#FAF9F7', dark: '#161513' } as const;

export function setThemeColor(theme: 'system' | 'light' | 'dark'): void {
  for (const meta of document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')) {
    meta.content = canvas[theme === 'system' ? (meta.media.includes('dark') ? 'dark' : 'light') : theme];
  }
}
