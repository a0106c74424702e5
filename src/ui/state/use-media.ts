/** Whether a media query holds. */
import { useCallback, useSyncExternalStore } from 'react';

export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    useCallback(
      (listener) => {
        const media = matchMedia(query);
        media.addEventListener('change', listener);
        return () => media.removeEventListener('change', listener);
      },
      [query],
    ),
    () => matchMedia(query).matches,
  );
}

export const narrow = '(max-width: 767px)';
export const rail = '(min-width: 768px) and (max-width: 1279px)';
