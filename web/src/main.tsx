// Starts the page.

import { render } from 'preact';

import './styles/tokens.css';
import './styles/layout.css';
import './styles/rail.css';
import './styles/turns.css';
import './styles/calls.css';
import './styles/prose.css';
import './styles/controls.css';

import { saveRunning } from './chat/answer.ts';
import { connect } from './chat/connection.ts';
import { startConversations } from './chat/conversations.ts';
import { startSettings } from './chat/settings.ts';
import { startLanguage } from './i18n/index.ts';
import { App } from './ui/app.tsx';

startSettings();
void connect();
await Promise.all([startLanguage(), startConversations()]);
addEventListener('pagehide', saveRunning);

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
