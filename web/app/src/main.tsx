import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import './styles/base.css';
import './styles/controls.css';
import './styles/lobby.css';
import './styles/room.css';
import './styles/call.css';
import './styles/voice.css';
import './styles/chat.css';
import './styles/community.css';

const root = document.getElementById('root');
if (root) createRoot(root).render(<StrictMode><App /></StrictMode>);
