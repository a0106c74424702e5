/** Moves focus through the results' titles, which are the buttons that open them. */
const titles = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('[data-result-title]')];

export function focusResult(where: 'first' | 'last' | 'next' | 'previous'): void {
  const all = titles();
  const at = all.findIndex(
    (title) => title === document.activeElement || title.closest('li')?.contains(document.activeElement),
  );
  if (where === 'previous' && at === 0) {
    document.getElementById('search')?.focus();
    return;
  }
  const target = { first: 0, last: all.length - 1, next: Math.min(at + 1, all.length - 1), previous: at - 1 }[where];
  all[target]?.focus();
}

export const openFirst = (): void => titles()[0]?.click();

/** Presses a control of the result that has focus, or else is open, or else is first. */
export function pressInResult(control: 'why' | 'copy' | 'like'): boolean {
  const result =
    document.activeElement?.closest('[data-result]') ??
    document.querySelector('[data-result][data-open]') ??
    document.querySelector('[data-result]');
  const button = result?.querySelector<HTMLElement>(`[data-control="${control}"]`);
  button?.click();
  return button instanceof HTMLElement;
}
