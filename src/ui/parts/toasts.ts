/** Toasts only confirm what was just done; errors are shown where they happened. */
import { Toast } from '@base-ui/react/toast';

export const toasts = Toast.createToastManager();
