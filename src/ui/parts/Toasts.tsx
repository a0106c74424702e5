import { Toast } from '@base-ui/react/toast';

/** Where toasts appear. Base UI holds them while pointed at or focused. */
export function Toasts() {
  return (
    <Toast.Portal>
      <Toast.Viewport className="toasts">
        <ToastList />
      </Toast.Viewport>
    </Toast.Portal>
  );
}

function ToastList() {
  const { toasts } = Toast.useToastManager();
  return toasts.map((toast) => (
    <Toast.Root key={toast.id} toast={toast} className="toast">
      <Toast.Content className="toast__content">
        <Toast.Description />
        <Toast.Action className="text-button" />
      </Toast.Content>
    </Toast.Root>
  ));
}
