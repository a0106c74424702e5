/** Where the page begins: theme first, then the index, then the app around it. */
import './styles/fonts.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import { startTransition } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App.tsx';
import { isolated } from './offline/isolation.ts';
import { startOffline } from './offline/service-worker.ts';
import { openFromAddress } from './state/open.ts';
import { applyTheme } from './state/preferences.ts';
import './state/requests.ts';

applyTheme();
const opening = isolated().then(() => openFromAddress(location.search));
startOffline(opening);
const root = createRoot(document.getElementById('root')!);
startTransition(() => root.render(<App opening={opening} />)); // drawn in small steps: a key press is never kept waiting
