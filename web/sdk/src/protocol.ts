// Names for the generated event maps, as this package uses them.

import type { ClientEvents, ServerEvents } from './protocol.gen.js';

export type RequestName = keyof ClientEvents;
export type RequestOf<N extends RequestName> = ClientEvents[N]['request'];
export type AnswerOf<N extends RequestName> = ClientEvents[N]['response'];

export type ServerEventName = keyof ServerEvents;

/** Every server event with its payload, told apart by `name`. */
export type ServerEvent = { [N in ServerEventName]: { name: N; payload: ServerEvents[N] } }[ServerEventName];

export type { ServerEvents };
