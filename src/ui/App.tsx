/** The providers of the app, and its shell within. */
import { CSPProvider } from '@base-ui/react/csp-provider';
import { DirectionProvider } from '@base-ui/react/direction-provider';
import { Toast } from '@base-ui/react/toast';
import { Tooltip } from '@base-ui/react/tooltip';
import type { LateralIndex } from '../index.ts';
import { AddingProvider } from './adding/AddingProvider.tsx';
import { DropTarget } from './adding/DropTarget.tsx';
import './adding/adding.css';
import { toasts } from './parts/toasts.ts';
import { Toasts } from './parts/Toasts.tsx';
import './parts/toasts.css';
import { UpdatePrompt } from './offline/UpdatePrompt.tsx';
import { ModelsProvider } from './models/ModelsProvider.tsx';
import { LitWordProvider } from './search/lit-word.tsx';
import { SearchProvider } from './search/search-context.tsx';
import { Shell } from './shell/Shell.tsx';
import { Announcer } from './state/announce.tsx';
import { DocumentsProvider, IndexProvider } from './state/index-context.tsx';
import { ViewerProvider } from './viewer/viewer-context.tsx';

export function App({ opening }: { readonly opening: Promise<LateralIndex> }) {
  return (
    <CSPProvider disableStyleElements>
      <DirectionProvider direction={document.documentElement.dir === 'rtl' ? 'rtl' : 'ltr'}>
        <Toast.Provider toastManager={toasts} limit={1}>
          <Tooltip.Provider delay={500}>
            <IndexProvider opening={opening}>
              <DocumentsProvider>
                <SearchProvider>
                  <ViewerProvider>
                    <LitWordProvider>
                      <ModelsProvider>
                        <AddingProvider>
                          <Shell />
                          <DropTarget />
                        </AddingProvider>
                      </ModelsProvider>
                      <UpdatePrompt />
                      <Toasts />
                      <Announcer />
                    </LitWordProvider>
                  </ViewerProvider>
                </SearchProvider>
              </DocumentsProvider>
            </IndexProvider>
          </Tooltip.Provider>
        </Toast.Provider>
      </DirectionProvider>
    </CSPProvider>
  );
}
