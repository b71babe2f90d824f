// zzan-client: rooms of two to four people in a browser.

export { Backoff, BACKOFF_DELAYS_MS } from './backoff.js';
export { Chat, type ChatState, type Outgoing } from './chat.js';
export { Client, type ClientOptions, type ClientState, type TokenReason } from './client.js';
export { canShareScreen, listDevices, onDevicesChanged, type Device, type DeviceKind, type DeviceProblem } from './devices.js';
export { Community, type CommunityState, type Departure } from './community/community.js';
export { channelsOf, CommunityServer, type ServerRequestName } from './community/server.js';
export { ALL as PERMISSIONS, can, rankOf, totals, type ServerState, type Totals } from './community/state.js';
export type { Unsubscribe } from './emitter.js';
export { ZzanError, type ZzanErrorCode } from './errors.js';
export { type CodecChoice, type VideoCodec } from './codecs.js';
export { DATA_MAX_BYTES, type DataMessage } from './data.js';
export { type Demand } from './demands.js';
export { createRoom, findRoom, Lobby, type LobbyState } from './lobby.js';
export { LocalMedia, type LocalChoice, type LocalDevice, type LocalScreen, type LocalState } from './local.js';
export type { EncodedTransform } from './media.js';
export { meterLevel } from './meter.js';
export { Notifications, type InboxState } from './notifications.js';
export type { AnswerOf, RequestName, RequestOf, ServerEventName } from './protocol.js';
export type * from './protocol.gen.js';
export type { Room as RoomInfo } from './protocol.gen.js';
export { createGuest, redeemLink, refreshToken, type Access, type LinkAccess } from './rest.js';
export { Room, type EndReason, type JoinOptions, type RoomEnd, type RoomStatus, type RoomView, type Voice } from './room.js';
export { isAudible, midOf, trackOf, type RoomState } from './state.js';
