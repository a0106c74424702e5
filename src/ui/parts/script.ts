/** The language to set text in: what the document says, else what its script suggests. For fonts and line breaking only. */
const scripts: readonly (readonly [RegExp, string])[] = [
  [/[\u3040-\u30ff]/, 'ja'],
  [/[\uac00-\ud7af]/, 'ko'],
  [/[\u4e00-\u9fff]/, 'zh'],
  [/[\u0600-\u06ff]/, 'ar'],
  [/[\u0900-\u097f]/, 'hi'],
  [/[\u0e00-\u0e7f]/, 'th'],
  [/[\u0590-\u05ff]/, 'he'],
];

/** `undefined` where nothing is known, as React wants an attribute left out. */
export function languageOf(given: string, text: string): string | undefined {
  if (given !== '') return given;
  const sample = text.slice(0, 400);
  return scripts.find(([pattern]) => pattern.test(sample))?.[1];
}
