// Generated from signaling/src/protocol. Do not edit: cargo run -p zzan-signaling --example typescript

/**
 * For programs. Closed: a new code is a new protocol version.
 */
export type ErrorCode = "unauthorized" | "forbidden" | "not_found" | "conflict" | "room_full" | "bad_password" | "invalid" | "too_large" | "rate_limited" | "unavailable" | "internal";

/**
 * `{ok: false, error}` in acks; `data` of a `connect_error`.
 */
export type WireError = { code: ErrorCode,
/**
 * For people.
 */
message: string,
/**
 * For `rate_limited` and `unavailable`.
 */
retry_after_ms?: number, };

/**
 * A room as everyone in it sees it.
 */
export type Room = { id: string, name: string, kind: RoomKind,
/**
 * Seats.
 */
capacity: number, has_password: boolean,
/**
 * The owner's user id.
 */
owner: string,
/**
 * The channel of the room's messages.
 */
channel: string,
/**
 * In the order of joining.
 */
participants: Array<Participant>, };

/**
 * What a room is for.
 */
export type RoomKind = "buddy" | "voice";

/**
 * A room as the lobby lists it.
 */
export type LobbyRoom = { id: string, name: string, kind: RoomKind, capacity: number,
/**
 * Seats taken.
 */
seated: number, has_password: boolean, owner_name: string,
/**
 * RFC 3339.
 */
created_at: string, };

/**
 * Somebody in a room.
 */
export type Participant = { id: string,
/**
 * The user id.
 */
user: string, name: string, state: ParticipantState, };

/**
 * Whether a participant can be reached.
 */
export type ParticipantState = "joined" | "reconnecting";

/**
 * Oneself in a room.
 */
export type Me = {
/**
 * The participant id.
 */
id: string,
/**
 * The user id.
 */
user: string, name: string, rights: Rights, };

/**
 * What one may do in a room.
 */
export type Rights = {
/**
 * Send audio and video.
 */
publish: boolean,
/**
 * Receive audio and video.
 */
subscribe: boolean,
/**
 * Send chat and application data.
 */
data: boolean,
/**
 * Close the room, mute and remove others.
 */
administer: boolean, };

/**
 * How well a connection does.
 */
export type Quality = "excellent" | "good" | "poor";

/**
 * How well a participant's connection does.
 */
export type ParticipantQuality = {
/**
 * The participant id.
 */
participant: string, quality: Quality, };

/**
 * Published media.
 */
export type Track = { id: string,
/**
 * The publishing participant's id.
 */
participant: string, kind: TrackKind, source: TrackSource,
/**
 * By its publisher.
 */
muted: boolean,
/**
 * By the room's owner or a backend. A track is heard or seen when neither is set.
 */
muted_by_moderator: boolean, };

export type TrackKind = "audio" | "video";

export type TrackSource = "microphone" | "camera" | "screen";

/**
 * An m-line on which the client can receive.
 */
export type Slot = { mid: string, kind: TrackKind, };

/**
 * What a slot carries.
 */
export type SlotBinding = { mid: string,
/**
 * A track id, or null for silence.
 */
track: string | null, };

/**
 * An SDP offer or answer, as a browser's `RTCSessionDescription` has it.
 */
export type SessionDescription = { type: SdpKind, sdp: string, };

export type SdpKind = "offer" | "answer";

/**
 * A server that helps to find a path, as `RTCConfiguration.iceServers` has it.
 */
export type IceServer = { urls: Array<string>, username?: string, credential?: string, };

/**
 * A sending m-line of an offer.
 */
export type Publication = { mid: string, source: TrackSource, muted?: boolean, };

/**
 * A stored chat message.
 */
export type Message = { id: string, channel: string,
/**
 * Contiguous from 1 in its channel.
 */
seq: number, author: Author,
/**
 * Empty in a deleted message.
 */
text: string,
/**
 * RFC 3339.
 */
sent_at: string,
/**
 * RFC 3339; of the last edit.
 */
edited_at?: string,
/**
 * The message is deleted, and keeps its number.
 */
deleted?: boolean,
/**
 * The `seq` of the message that it answers, which may be deleted by now.
 */
reply_to?: number,
/**
 * Whom it mentions, each once. Absent when nobody.
 */
mentions?: Array<Mention>,
/**
 * Absent when there are none.
 */
attachments?: Array<Attachment>,
/**
 * Each emoji once, that which came first first. Absent when there are none.
 */
reactions?: Array<Reaction>, };

/**
 * Who is meant: in a text `<@user id>`, `<@&role id>` or `<@everyone>`.
 */
export type Mention = { kind: MentionKind,
/**
 * Of the user or the role.
 */
id?: string, };

export type MentionKind = "user" | "role" | "everyone";

/**
 * A file that belongs to a message, as its author describes it. Nobody has checked that it is what it says.
 */
export type Attachment = {
/**
 * `https://`, at most 2,048 bytes, no user and password.
 */
url: string,
/**
 * 1–255 bytes without slashes.
 */
name: string,
/**
 * `type/subtype`.
 */
mime: string, size_bytes: number,
/**
 * Of a picture or a video, in pixels; together with `height`.
 */
width?: number, height?: number, };

/**
 * One emoji on a message.
 */
export type Reaction = { emoji: string, count: number,
/**
 * The user ids of the first ten, in the order of coming.
 */
users: Array<string>, };

/**
 * Who wrote a message, with the name at that time.
 */
export type Author = {
/**
 * The user id.
 */
id: string, name: string, };

/**
 * An audible participant.
 */
export type Speaker = {
/**
 * The participant id.
 */
participant: string,
/**
 * dBov: 0 loudest, -127 silent.
 */
level: number, };

/**
 * `room:create`
 */
export type RoomCreate = {
/**
 * 1–64 characters.
 */
name: string,
/**
 * `buddy` when absent.
 */
kind?: RoomKind,
/**
 * 2–4 in a buddy room, 2–50 in a voice room.
 */
capacity: number,
/**
 * 1–128 bytes.
 */
password?: string,
/**
 * 1–64 bytes, made by the client: the same nonce twice makes one room.
 */
nonce: string, };

/**
 * Answer of `room:create`.
 */
export type RoomCreated = { room: Room, };

/**
 * `lobby:list`
 */
export type LobbyList = {
/**
 * `buddy` when absent.
 */
kind?: RoomKind,
/**
 * Rooms of this capacity only.
 */
size?: number, };

/**
 * `lobby:watch`
 */
export type LobbyWatch = {
/**
 * `buddy` when absent.
 */
kind?: RoomKind,
/**
 * Rooms of this capacity only.
 */
size?: number,
/**
 * False ends the watch.
 */
watch?: boolean, };

/**
 * Answer of `lobby:list` and `lobby:watch`: newest first.
 */
export type LobbyListed = { rooms: Array<LobbyRoom>, };

/**
 * `room:join`
 */
export type RoomJoin = { room: string, password?: string,
/**
 * Without it the participant is seated without media.
 */
offer?: SessionDescription,
/**
 * The sending m-lines to publish. Absent: all, where the first audio is the microphone, the first video the camera and the
 * second video the screen.
 */
publish?: Array<Publication>, };

/**
 * Answer of `room:join`.
 */
export type RoomJoined = { answer?: SessionDescription,
/**
 * In the order of the offer's m-lines.
 */
slots: Array<Slot>, me: Me, room: Room,
/**
 * All tracks of the room, own ones included.
 */
tracks: Array<Track>,
/**
 * The revision of the bindings; a `media:map` with this or a higher revision follows.
 */
rev: number,
/**
 * For the connections that are made from now on. Empty where no TURN server is configured.
 */
ice_servers: Array<IceServer>, };

/**
 * `room:leave` and `room:close`
 */
export type RoomRef = { room: string, };

/**
 * `room:kick`
 */
export type RoomKick = { room: string,
/**
 * A participant id.
 */
participant: string, };

/**
 * `room:mute`: by the room's owner, or with a token of `room_admin`.
 */
export type RoomMute = { room: string,
/**
 * Somebody else's track. What its user publishes later from the same source is muted too.
 */
track: string, muted: boolean, };

/**
 * `media:offer`: the first offer of a participant seated without media, or a further one.
 */
export type MediaOffer = { offer: SessionDescription,
/**
 * As in `room:join`.
 */
publish?: Array<Publication>, };

/**
 * Answer of `media:offer`.
 */
export type MediaAnswer = { answer: SessionDescription, slots: Array<Slot>,
/**
 * All tracks of the room, own ones included.
 */
tracks: Array<Track>, rev: number,
/**
 * For the connections that are made from now on. Empty where no TURN server is configured.
 */
ice_servers: Array<IceServer>, };

/**
 * `media:publish`: what the sending m-lines of the last offer carry from now on. A track whose m-line isn't listed ends.
 */
export type MediaPublish = { publish: Array<Publication>, };

/**
 * Answer of `media:publish`.
 */
export type MediaPublished = {
/**
 * All tracks of the room, own ones included.
 */
tracks: Array<Track>, };

/**
 * `media:subscribe`: what the client can use of somebody's track. It replaces what was said of that track before, and holds until the track
 * ends.
 */
export type MediaSubscribe = {
/**
 * Somebody else's track.
 */
track: string,
/**
 * Nothing is sent.
 */
paused?: boolean,
/**
 * Of the tile that shows it, in physical pixels, 1–16,384; together with `height`. Absent: as large as there is.
 */
width?: number, height?: number, };

/**
 * `media:mute`
 */
export type MediaMute = {
/**
 * An own track's id.
 */
track: string, muted: boolean, };

/**
 * Answer of `media:mute` and `room:mute`.
 */
export type MediaMuted = { track: Track, };

/**
 * `media:pin`: what to see first where a room has more cameras than one has video slots. Replaces the list before.
 */
export type MediaPin = {
/**
 * At most 64 track ids, best first. Ids of tracks that aren't there have no effect.
 */
tracks: Array<string>, };

/**
 * `media:stats`
 */
export type MediaStatsRequest = Record<never, never>;

/**
 * Answer of `media:stats`. Without media both lists are empty.
 */
export type MediaStats = {
/**
 * Between the server and the client and back. Absent before the first report.
 */
round_trip_ms?: number,
/**
 * Share of packets lost on the way to the server over the last seconds, 0 to 1.
 */
loss_up: number,
/**
 * Share of packets lost on the way to the client.
 */
loss_down: number,
/**
 * What the server thinks that it can send, in bit/s.
 */
estimate_bps?: number, quality?: Quality,
/**
 * What the client sends.
 */
publications: Array<PublicationStats>,
/**
 * What the client receives.
 */
subscriptions: Array<SubscriptionStats>, };

/**
 * A sending m-line with a track.
 */
export type PublicationStats = { track: string, mid: string, kind: TrackKind,
/**
 * Low to high; one without a `rid` where there is no simulcast.
 */
layers: Array<LayerStats>, };

/**
 * What arrives of a track, or of one of its simulcast layers.
 */
export type LayerStats = { rid?: string,
/**
 * In pixels, where the codec tells.
 */
width?: number, height?: number, packets: number,
/**
 * Of payload.
 */
bytes: number, bitrate_bps: number, key_frames: number,
/**
 * Repetitions that the server asked for.
 */
nacks: number,
/**
 * Key frames that the server asked for.
 */
plis: number,
/**
 * Whether packets of it come.
 */
flows: boolean, };

/**
 * A slot with a track.
 */
export type SubscriptionStats = { track: string, mid: string, kind: TrackKind,
/**
 * The rid of the simulcast layer that is sent.
 */
layer?: string,
/**
 * In pixels, where the codec tells.
 */
width?: number, height?: number, packets: number,
/**
 * Of payload, repetitions not counted.
 */
bytes: number, bitrate_bps: number, key_frames: number,
/**
 * Repetitions that the client asked for.
 */
nacks: number,
/**
 * Key frames that the client asked for.
 */
plis: number,
/**
 * By the client.
 */
paused: boolean,
/**
 * By the server, because the connection is too narrow.
 */
stalled: boolean, };

/**
 * `chat:send`
 */
export type ChatSend = { channel: string,
/**
 * 1–64 bytes, made by the client: the same nonce twice stores one message.
 */
nonce: string,
/**
 * 1–4,000 characters, unless the user's plan says otherwise; empty or absent beside attachments.
 */
text?: string,
/**
 * The `seq` of the message that it answers.
 */
reply_to?: number,
/**
 * At most 10.
 */
attachments?: Array<Attachment>, };

/**
 * Answer of `chat:send`, `chat:edit` and `chat:delete`: the message is durable.
 */
export type ChatSent = { message: Message, };

/**
 * `chat:edit`: one's own message gets another text.
 */
export type ChatEdit = { channel: string, seq: number,
/**
 * 1–4,000 characters.
 */
text: string, };

/**
 * `chat:delete`: one's own message, or as the room's owner anybody's. What is left is a message without text, which keeps its number.
 */
export type ChatDelete = { channel: string, seq: number, };

/**
 * `chat:history`
 */
export type ChatHistory = { channel: string,
/**
 * Messages with a lower `seq` than this; absent: the newest.
 */
before?: number,
/**
 * Instead of `before`: messages with a higher `seq` than this, the lowest first.
 */
after?: number,
/**
 * Instead of `before`: this message in the middle.
 */
around?: number,
/**
 * 1–100, 50 when absent.
 */
limit?: number, };

/**
 * Answer of `chat:history`: oldest first.
 */
export type ChatPage = { messages: Array<Message>,
/**
 * Whether older messages exist.
 */
more: boolean,
/**
 * Whether newer messages exist.
 */
newer: boolean, };

/**
 * `chat:react`: one's own reaction to a message comes or goes.
 */
export type ChatReact = { channel: string, seq: number,
/**
 * 1–32 bytes without white space. A message bears 20 different ones.
 */
emoji: string,
/**
 * False takes it back.
 */
on: boolean, };

/**
 * Answer of `chat:react`.
 */
export type ChatReactions = {
/**
 * All of the message, that which came first first.
 */
reactions: Array<Reaction>, };

/**
 * `chat:pin`: by who moderates the channel.
 */
export type ChatPin = { channel: string, seq: number,
/**
 * False unpins.
 */
on: boolean, };

/**
 * `chat:pins`
 */
export type ChatPins = { channel: string, };

/**
 * Answer of `chat:pins`: at most 50, the latest pin first.
 */
export type ChatPinned = { messages: Array<Message>, };

/**
 * `chat:search`: messages in whose text every word occurs, also in the middle of another one. Upper and lower case are one.
 */
export type ChatSearch = { channel?: string,
/**
 * Instead of `channel`: all channels of this server that one reads.
 */
server?: string,
/**
 * 1–10 words between white space, 200 characters at most.
 */
text: string,
/**
 * The `next` of the page before; absent: the newest.
 */
before?: string,
/**
 * 1–50, 25 when absent.
 */
limit?: number, };

/**
 * Answer of `chat:search`.
 */
export type ChatFound = {
/**
 * Newest first.
 */
messages: Array<Message>,
/**
 * Opaque: where the next page begins. Absent when there is none.
 */
next?: string, };

/**
 * `chat:upload`: where to put a file, to be attached to a message then.
 */
export type ChatUpload = { channel: string,
/**
 * 1–255 bytes without slashes.
 */
name: string,
/**
 * `type/subtype`.
 */
mime: string, size_bytes: number, };

/**
 * Answer of `chat:upload`. Send the file by `PUT` to `upload_url`, with these headers and exactly as long as it was said to be.
 */
export type ChatUploadGranted = {
/**
 * A secret.
 */
upload_url: string, headers: Record<string, string>,
/**
 * The address to attach.
 */
url: string, expires_in_ms: number, };

/**
 * `chat:typing`, from the client: one writes a message. The others are told once in 3 s, however often this is sent.
 */
export type ChatTyping = { channel: string, };

/**
 * `session:refresh`: a fresh token of the same user, before the old one expires.
 */
export type SessionRefresh = { token: string, };

/**
 * Answer of `session:refresh`.
 */
export type SessionRefreshed = { expires_in_ms: number, };

/**
 * What a resumed session finds: its seat, as `room:join` told it, without an answer.
 */
export type Seat = { me: Me, room: Room, slots: Array<Slot>, tracks: Array<Track>, rev: number, };

/**
 * `session:ready`: the first event of every connection but what a resumed session missed, which comes before it.
 */
export type SessionReady = {
/**
 * A secret: pass it as `auth.session` when reconnecting. Every connection gets a new one and ends the old one's validity.
 */
session: string, resumed: boolean,
/**
 * The number of the newest event that this one knows of: what has a higher one follows.
 */
sn: number,
/**
 * So many events that the client had missed came before this one, and none is missing.
 */
replayed?: number,
/**
 * The client had a session, and something that it missed of it can't be had again: it should fetch what it shows anew.
 */
resync: boolean,
/**
 * When the token expires.
 */
expires_in_ms: number,
/**
 * For the connections that are made from now on. Empty where no TURN server is configured.
 */
ice_servers: Array<IceServer>,
/**
 * Absent where files can't be uploaded.
 */
uploads?: UploadLimits,
/**
 * The seat that a resumed session still has. A `media:map` follows.
 */
seat?: Seat, };

/**
 * What `chat:upload` takes.
 */
export type UploadLimits = {
/**
 * Longest file, in bytes.
 */
max_bytes: number, };

/**
 * `session:expiring`: refresh the token, or the session ends.
 */
export type SessionExpiring = { expires_in_ms: number, };

/**
 * `session:upgraded`: a WebSocket has taken over from polling. There is nothing to be done.
 */
export type SessionUpgraded = Record<symbol, never>;

/**
 * `session:draining`: the node stops; reconnect after this time.
 */
export type SessionDraining = { reconnect_in_ms: number, };

/**
 * `participant:joined`
 */
export type ParticipantJoined = { room: string, participant: Participant, };

/**
 * `participant:updated`
 */
export type ParticipantUpdated = { room: string, participant: Participant,
/**
 * The same as `participant.state`.
 */
state: ParticipantState, };

/**
 * `participant:left`
 */
export type ParticipantLeft = { room: string,
/**
 * The participant id.
 */
participant: string, reason: LeaveReason, };

export type LeaveReason = "left" | "disconnected" | "timed_out" | "media_lost" | "kicked" | "room_closed" | "server_stopped" | "unauthorized";

/**
 * `track:published` and `track:updated`
 */
export type TrackChanged = { room: string, track: Track, };

/**
 * `track:unpublished`
 */
export type TrackUnpublished = { room: string,
/**
 * The track id.
 */
track: string, };

/**
 * `media:map`: replaces all bindings with a lower `rev`.
 */
export type MediaMap = { room: string, rev: number, slots: Array<SlotBinding>, };

/**
 * `media:need`: offer this many slots in all.
 */
export type MediaNeed = { room: string, audio: number, video: number, };

/**
 * `media:lost`: the media transport died; send a `media:offer` of a new one within the grace.
 */
export type MediaLost = { room: string, };

/**
 * `media:layers`: what anybody can use of an own track. What isn't wanted needn't be sent. Before the first one everything is wanted.
 */
export type MediaLayers = { room: string,
/**
 * An own track's id.
 */
track: string,
/**
 * False: nobody can use any of it.
 */
wanted: boolean,
/**
 * The rids of the simulcast layers that are wanted, low to high. Empty for a track without simulcast.
 */
active: Array<string>, };

/**
 * `media:stalled`: a track is held back, because the receiver's connection is too narrow for it, or comes again.
 */
export type MediaStalled = { room: string,
/**
 * Somebody else's track.
 */
track: string, stalled: boolean, };

/**
 * `speaker:changed`: who is audible, loudest first.
 */
export type SpeakerChanged = { room: string, speakers: Array<Speaker>, };

/**
 * `quality:changed`: those of whom it changed; after a join, all of whom it is known.
 */
export type QualityChanged = { room: string, qualities: Array<ParticipantQuality>, };

/**
 * `room:updated`
 */
export type RoomUpdated = { room: Room, };

/**
 * `room:closed`: you are no longer in this room.
 */
export type RoomClosed = { room: string, reason: CloseReason, };

export type CloseReason = "closed" | "kicked" | "media_lost" | "server_stopped" | "failed";

/**
 * `room:replaced`: a newer session of yours took the seat.
 */
export type RoomReplaced = { room: string, };

/**
 * `chat:message`
 */
export type ChatMessage = { message: Message, };

/**
 * `chat:edited`: a message has another text.
 */
export type ChatEdited = { message: Message, };

/**
 * `chat:deleted`: a message has no text any more.
 */
export type ChatDeleted = { message: Message, };

/**
 * `chat:reacted`: these are all reactions of the message now.
 */
export type ChatReacted = { channel: string, seq: number, reactions: Array<Reaction>, };

/**
 * `chat:pinned`: a message was pinned or unpinned. One that is deleted is unpinned without a word.
 */
export type ChatPinChanged = { message: Message, on: boolean, };

/**
 * `chat:typing`, from the server: somebody else writes a message. It may be left out under load.
 */
export type ChatTypist = { channel: string,
/**
 * The user id.
 */
user: string, name: string, };

/**
 * `lobby:changed`: rooms that appeared or changed, and ids of rooms that ended.
 */
export type LobbyChanged = { rooms: Array<LobbyRoom>, removed: Array<string>, };

/**
 * A server as one of its members sees it.
 */
export type Server = { info: ServerInfo,
/**
 * Highest rank first.
 */
roles: Array<Role>,
/**
 * In the order to show them.
 */
categories: Array<Category>,
/**
 * Those that one reads, in the order to show them within their category.
 */
channels: Array<Channel>,
/**
 * Of those channels.
 */
unread: Array<Unread>,
/**
 * Of those channels, where somebody is.
 */
voices: Array<Voice>, me: Membership, };

/**
 * A server's own values.
 */
export type ServerInfo = { id: string, name: string, image_url?: string,
/**
 * The user id of its owner. Absent: it belongs to a backend.
 */
owner?: string,
/**
 * It is the direct channel of two people about this thing of a backend's.
 */
subject?: string,
/**
 * RFC 3339.
 */
created_at: string, };

/**
 * Oneself in a server.
 */
export type Membership = { user: Person, nickname?: string,
/**
 * Role ids.
 */
roles: Array<string>,
/**
 * What these roles allow; everything for the owner.
 */
permissions: Array<Permission>, };

/**
 * Something that a role can allow.
 */
export type Permission = "send" | "connect" | "invite" | "schedule" | "note" | "mention_everyone" | "manage_messages" | "mute_members" | "kick" | "ban" | "manage_invites" | "manage_schedules" | "manage_nicknames" | "manage_channels" | "manage_roles" | "manage_server";

/**
 * A role of a server's members.
 */
export type Role = { id: string, kind: RoleKind, name: string,
/**
 * 0xRRGGBB.
 */
color?: number, permissions: Array<Permission>,
/**
 * Higher ones command lower ones.
 */
rank: number, };

/**
 * What a role is to its server. Only custom ones can be deleted.
 */
export type RoleKind = "admin" | "moderator" | "member" | "guest" | "custom";

/**
 * A group of channels.
 */
export type Category = { id: string, name: string, position: number, };

/**
 * A named place in a server.
 */
export type Channel = { id: string, kind: ChannelKind, name: string,
/**
 * The category's id.
 */
category?: string, position: number,
/**
 * Who reads it, beside those who manage channels. Absent: everyone.
 */
private?: Private,
/**
 * Seats of a voice channel.
 */
capacity?: number,
/**
 * Seconds between two messages of one user.
 */
slow_mode_s?: number,
/**
 * Whatever a backend keeps here.
 */
metadata?: Record<string, unknown>, };

/**
 * What a channel is for.
 */
export type ChannelKind = "text" | "voice";

/**
 * Who reads a private channel.
 */
export type Private = {
/**
 * User ids.
 */
users: Array<string>,
/**
 * Role ids.
 */
roles: Array<string>, };

/**
 * What one hasn't read of a channel.
 */
export type Unread = { channel: string,
/**
 * Of the newest message; 0 where there is none.
 */
head_seq: number,
/**
 * All up to this one is read.
 */
read_seq: number,
/**
 * Messages after it, without deleted and own ones.
 */
unread: number,
/**
 * Those among them that mention one.
 */
mentions: number, };

/**
 * Who is in the call of a voice channel, in the order of joining.
 */
export type Voice = { channel: string, people: Array<Person>, };

/**
 * A user with the name to show.
 */
export type Person = {
/**
 * The user id.
 */
id: string, name: string, };

/**
 * A member of a server.
 */
export type Member = { user: Person, nickname?: string,
/**
 * Role ids.
 */
roles: Array<string>,
/**
 * RFC 3339.
 */
joined_at: string, presence: Presence,
/**
 * When the last connection ended, RFC 3339. Absent while connected, and for who wasn't seen yet.
 */
last_seen?: string, };

/**
 * How a member is there.
 */
export type Presence = "online" | "idle" | "busy" | "away" | "offline";

/**
 * How one wants to be seen while connected.
 */
export type Status = "auto" | "busy" | "away";

/**
 * Why somebody is no longer in a server.
 */
export type DepartReason = "left" | "kicked" | "banned" | "deleted";

/**
 * Somebody who may not come in again.
 */
export type Ban = { user: Person,
/**
 * The user id of who banned. Absent: a backend.
 */
by?: string, reason?: string,
/**
 * RFC 3339.
 */
at: string, };

/**
 * An invitation by link. Its secret is told once, to who made it.
 */
export type Invite = { id: string, server: string,
/**
 * What its users get.
 */
role: string, created_by?: Person,
/**
 * RFC 3339.
 */
created_at: string,
/**
 * RFC 3339. Absent: never.
 */
expires_at?: string,
/**
 * Absent: any number.
 */
max_uses?: number, uses: number, };

/**
 * An entry of a calendar.
 */
export type Schedule = { id: string, server: string, title: string, description: string,
/**
 * RFC 3339.
 */
starts_at: string,
/**
 * RFC 3339.
 */
ends_at?: string,
/**
 * 0xRRGGBB.
 */
color?: number,
/**
 * When the members are reminded, RFC 3339. Absent: not, or not any more.
 */
remind_at?: string, created_by: Person, };

/**
 * `server:list`: from here on the session is told what happens in one's servers.
 */
export type ServerList = Record<symbol, never>;

/**
 * Answer of `server:list`, oldest membership first.
 */
export type ServersListed = { servers: Array<Server>, };

/**
 * `server:create`: with default roles, categories and channels.
 */
export type ServerCreate = {
/**
 * 1–64 characters.
 */
name: string,
/**
 * An https address.
 */
image_url?: string,
/**
 * 1–64 bytes, made by the client: the same nonce twice makes one server.
 */
nonce: string,
/**
 * What the first categories and channels are called. Absent: in English.
 */
defaults?: DefaultNames, };

/**
 * Names of what a server begins with, 1–64 characters each.
 */
export type DefaultNames = { text_category: string, text_channel: string, voice_category: string, voice_channel: string, };

/**
 * Answer of `server:create` and `invite:accept`.
 */
export type ServerEntered = { server: Server, };

/**
 * `server:update`: what is absent stays.
 */
export type ServerUpdate = { server: string, name?: string,
/**
 * `null`: none.
 */
image_url?: string | null, };

/**
 * `server:transfer`: another member becomes the owner.
 */
export type ServerTransfer = { server: string,
/**
 * The user id of the new owner.
 */
to: string, };

/**
 * `server:delete`, `server:leave`, `member:list`, `member:bans`, `invite:list`, `unread:list`
 */
export type ServerRef = { server: string, };

/**
 * `channel:create`
 */
export type ChannelCreate = { server: string,
/**
 * 1–64 characters.
 */
name: string, kind?: ChannelKind,
/**
 * Seats of a voice channel, 2–50; 4 when absent.
 */
capacity?: number, category?: string, private?: Private,
/**
 * Absent: last of its category.
 */
position?: number,
/**
 * 1–21,600.
 */
slow_mode_s?: number, };

/**
 * `channel:update`: what is absent stays.
 */
export type ChannelUpdate = { server: string, channel: string, name?: string, capacity?: number,
/**
 * `null`: none.
 */
category?: string | null,
/**
 * `null`: everyone reads it.
 */
private?: Private | null, position?: number,
/**
 * `null`: none.
 */
slow_mode_s?: number | null, };

/**
 * Answer of `channel:create` and `channel:update`.
 */
export type ChannelKept = { channel: Channel, };

/**
 * `channel:delete`
 */
export type ChannelRef = { server: string, channel: string, };

/**
 * `channel:open`: the call of a voice channel, opened if there is none. Its room is joined like any other.
 */
export type ChannelOpen = { channel: string, };

/**
 * Answer of `channel:open`.
 */
export type ChannelOpened = {
/**
 * For `room:join`.
 */
room: string, };

/**
 * `category:create`
 */
export type CategoryCreate = { server: string,
/**
 * 1–64 characters.
 */
name: string,
/**
 * Absent: last.
 */
position?: number, };

/**
 * `category:update`: what is absent stays.
 */
export type CategoryUpdate = { server: string, category: string, name?: string, position?: number, };

/**
 * Answer of `category:create` and `category:update`.
 */
export type CategoryKept = { category: Category, };

/**
 * `category:delete`: its channels are in none then.
 */
export type CategoryRef = { server: string, category: string, };

/**
 * `role:create`
 */
export type RoleCreate = { server: string,
/**
 * 1–64 characters.
 */
name: string, color?: number,
/**
 * Of those that one has.
 */
permissions: Array<Permission>,
/**
 * Below one's own.
 */
rank: number, };

/**
 * `role:update`: what is absent stays.
 */
export type RoleUpdate = { server: string, role: string, name?: string,
/**
 * `null`: none.
 */
color?: number | null, permissions?: Array<Permission>, rank?: number, };

/**
 * Answer of `role:create` and `role:update`.
 */
export type RoleKept = { role: Role, };

/**
 * `role:delete`
 */
export type RoleRef = { server: string, role: string, };

/**
 * Answer of `member:list`, in the order of joining.
 */
export type MembersListed = { members: Array<Member>, };

/**
 * `member:update`: what is absent stays.
 */
export type MemberUpdate = { server: string,
/**
 * The user id.
 */
user: string,
/**
 * `null`: none.
 */
nickname?: string | null,
/**
 * Role ids, all of them.
 */
roles?: Array<string>, };

/**
 * `member:kick`, `member:unban`
 */
export type MemberRef = { server: string,
/**
 * The user id.
 */
user: string, };

/**
 * `member:ban`: somebody needn't be a member to be banned.
 */
export type MemberBan = { server: string,
/**
 * The user id.
 */
user: string,
/**
 * At most 500 characters.
 */
reason?: string, };

/**
 * Answer of `member:bans`, oldest first.
 */
export type BansListed = { bans: Array<Ban>, };

/**
 * `invite:create`
 */
export type InviteCreate = { server: string,
/**
 * What its users get; absent: what every member has.
 */
role?: string,
/**
 * 60–31,536,000; absent: it never expires.
 */
ttl_s?: number,
/**
 * 1–10,000; absent: any number.
 */
max_uses?: number, };

/**
 * Answer of `invite:create`.
 */
export type InviteCreated = {
/**
 * Whoever has it can come in. It is told this once.
 */
secret: string, invite: Invite, };

/**
 * Answer of `invite:list`, newest first.
 */
export type InvitesListed = { invites: Array<Invite>, };

/**
 * `invite:revoke`
 */
export type InviteRevoke = { server: string, invite: string, };

/**
 * `invite:preview`, `invite:accept`
 */
export type InviteSecret = { secret: string, };

/**
 * Answer of `invite:preview`.
 */
export type InvitePreview = { server: ServerInfo, members: number,
/**
 * The name of who made it.
 */
invited_by?: string,
/**
 * RFC 3339.
 */
expires_at?: string, };

/**
 * `schedule:list`: what begins from `from` on and before `to`.
 */
export type ScheduleList = { server: string,
/**
 * RFC 3339.
 */
from: string,
/**
 * RFC 3339.
 */
to: string, };

/**
 * Answer of `schedule:list`, earliest first, at most 500.
 */
export type SchedulesListed = { schedules: Array<Schedule>, };

/**
 * `schedule:create`
 */
export type ScheduleCreate = { server: string,
/**
 * 1–64 characters.
 */
title: string,
/**
 * At most 4,000 characters.
 */
description?: string,
/**
 * RFC 3339.
 */
starts_at: string,
/**
 * RFC 3339.
 */
ends_at?: string, color?: number,
/**
 * How long before the start the members are reminded, 0–2,419,200. Absent: not at all.
 */
remind_before_s?: number, };

/**
 * `schedule:update`: all values are replaced.
 */
export type ScheduleUpdate = { server: string,
/**
 * The entry's id.
 */
id: string,
/**
 * 1–64 characters.
 */
title: string,
/**
 * At most 4,000 characters.
 */
description?: string,
/**
 * RFC 3339.
 */
starts_at: string,
/**
 * RFC 3339.
 */
ends_at?: string, color?: number,
/**
 * How long before the start the members are reminded, 0–2,419,200. Absent: not at all.
 */
remind_before_s?: number, };

/**
 * What an entry of a calendar is to be.
 */
export type NewSchedule = {
/**
 * 1–64 characters.
 */
title: string,
/**
 * At most 4,000 characters.
 */
description?: string,
/**
 * RFC 3339.
 */
starts_at: string,
/**
 * RFC 3339.
 */
ends_at?: string, color?: number,
/**
 * How long before the start the members are reminded, 0–2,419,200. Absent: not at all.
 */
remind_before_s?: number, };

/**
 * Answer of `schedule:create` and `schedule:update`.
 */
export type ScheduleKept = { schedule: Schedule, };

/**
 * `schedule:delete`
 */
export type ScheduleRef = { server: string,
/**
 * The entry's id.
 */
id: string, };

/**
 * `chat:read`: everything up to `seq` is read; `chat:unread`: `seq` and what follows isn't. All one's sessions are told.
 */
export type ChatRead = { channel: string, seq: number, };

/**
 * Answer of `unread:list`.
 */
export type UnreadListed = { unread: Array<Unread>, };

/**
 * `presence:set`: on all one's sessions, now and when one comes again.
 */
export type PresenceSet = { status: Status, };

/**
 * `presence:idle`: whether anything was touched on this session lately.
 */
export type PresenceIdle = { idle: boolean, };

/**
 * `server:added`: one is a member from now on, by another session of one's own or by a backend.
 */
export type ServerAdded = { server: Server, };

/**
 * `server:updated`
 */
export type ServerUpdated = { server: ServerInfo,
/**
 * All of them, highest rank first.
 */
roles: Array<Role>,
/**
 * All of them, in the order to show them.
 */
categories: Array<Category>, };

/**
 * `server:deleted`: one is no member any more.
 */
export type ServerDeleted = { server: string, reason: DepartReason, };

/**
 * `channel:created`: one reads it from now on. `channel:updated`.
 */
export type ChannelChanged = { server: string, channel: Channel, };

/**
 * `channel:deleted`: it is gone, or one doesn't read it any more.
 */
export type ChannelDeleted = { server: string, channel: string, };

/**
 * `member:joined`, `member:updated`
 */
export type MemberChanged = { server: string, member: Member, };

/**
 * `member:left`
 */
export type MemberLeft = { server: string,
/**
 * The user id.
 */
user: string, reason: DepartReason, };

/**
 * `presence:changed`, at most once a second: everyone who is seen otherwise than before.
 */
export type PresenceChanged = { server: string, presences: Array<MemberPresence>, };

/**
 * How a member is seen now.
 */
export type MemberPresence = {
/**
 * The user id.
 */
user: string, presence: Presence,
/**
 * RFC 3339.
 */
last_seen?: string, };

/**
 * `voice:changed`
 */
export type VoiceChanged = { server: string, voice: Voice, };

/**
 * `unread:changed`, and the answer of `chat:read` and `chat:unread`.
 */
export type UnreadChanged = { unread: Unread, };

/**
 * `schedule:changed`, `schedule:due`
 */
export type ScheduleChanged = { schedule: Schedule, };

/**
 * `schedule:deleted`
 */
export type ScheduleDeleted = { server: string,
/**
 * The entry's id.
 */
id: string, };

/**
 * `receipts:watch`: from now on one is told how far the readers of this channel have read, and of no other channel of its server; nobody is named.
 */
export type ReceiptsWatch = { channel: string,
/**
 * False ends it; true when absent.
 */
watch?: boolean, };

/**
 * So many readers have read up to this message, and no further.
 */
export type Standing = {
/**
 * 0: none of it.
 */
seq: number, readers: number, };

/**
 * `receipts:standing`: how far all readers of a watched channel have read, once after `receipts:watch`.
 */
export type ReceiptsStanding = { channel: string,
/**
 * In the order of their numbers. A message is unread by the `readers` of all that are below it.
 */
standing: Array<Standing>, };

/**
 * So many readers have moved from one message to another.
 */
export type ReceiptMove = {
/**
 * Absent: they were no readers of the channel.
 */
from?: number,
/**
 * Absent: they are no readers any more.
 */
to?: number, readers: number, };

/**
 * `receipts:moved`: how that has changed, at most once a second.
 */
export type ReceiptsMoved = { channel: string, moves: Array<ReceiptMove>, };

/**
 * What was said in a call, under the speakers' names.
 */
export type Note = { id: string, channel: string, name: string, started_by: Person,
/**
 * RFC 3339.
 */
started_at: string,
/**
 * RFC 3339. Absent: it runs.
 */
ended_at?: string,
/**
 * How many there are.
 */
lines: number, };

/**
 * What somebody said.
 */
export type NoteLine = {
/**
 * Contiguous from 1 in its note.
 */
seq: number, speaker: Person, text: string,
/**
 * RFC 3339.
 */
at: string, };

/**
 * `note:start`: one runs in a channel at a time.
 */
export type NoteStart = { channel: string,
/**
 * 1–64 characters.
 */
name: string, };

/**
 * Answer of `note:start` and `note:end`; `note:started`, `note:ended`.
 */
export type NoteChanged = { note: Note, };

/**
 * `note:append`: what one said, as one's client recognised it.
 */
export type NoteAppend = { channel: string, note: string,
/**
 * 1–64 bytes, made by the client: the same nonce twice adds one line.
 */
nonce: string,
/**
 * 1–4,000 characters.
 */
text: string, };

/**
 * Answer of `note:append`: the line is durable.
 */
export type NoteSaid = { line: NoteLine, };

/**
 * `note:end`
 */
export type NoteRef = { channel: string, note: string, };

/**
 * `note:list`
 */
export type NoteList = { channel: string,
/**
 * Those that started before, RFC 3339; absent: the newest.
 */
before?: string,
/**
 * 1–100, 50 when absent.
 */
limit?: number, };

/**
 * Answer of `note:list`, newest first.
 */
export type NotesListed = { notes: Array<Note>, };

/**
 * `note:get`
 */
export type NoteGet = { channel: string, note: string,
/**
 * Lines with a higher `seq` than this; absent: from the first.
 */
after?: number,
/**
 * 1–500, 100 when absent.
 */
limit?: number, };

/**
 * Answer of `note:get`.
 */
export type NotePage = { note: Note, lines: Array<NoteLine>, };

/**
 * `note:export`
 */
export type NoteExport = { channel: string, note: string, format: NoteFormat, };

/**
 * How a note is written out.
 */
export type NoteFormat = "markdown" | "text";

/**
 * Answer of `note:export`.
 */
export type NoteExported = { text: string, };

/**
 * `note:appended`. Who misses a number fetches it with `note:get`.
 */
export type NoteAppended = { channel: string, note: string, line: NoteLine, };

/**
 * An entry of one's inbox.
 */
export type Notification = { id: string,
/**
 * Contiguous from 1 in one's inbox. The newest 500 are kept.
 */
seq: number,
/**
 * RFC 3339.
 */
at: string, read: boolean, about: NotificationAbout, };

/**
 * What a notification tells.
 */
export type NotificationAbout = { "kind": "mention", server: string, channel: string,
/**
 * Of the message.
 */
message_seq: number, by: Person, } | { "kind": "reply", server: string, channel: string,
/**
 * Of the answer.
 */
message_seq: number, by: Person, } | { "kind": "server_invite", server: string, name: string, by: Person, state: InvitationState, } | { "kind": "room_invite", room: string, name: string, by: Person, } | { "kind": "schedule", server: string,
/**
 * The entry's id.
 */
schedule: string, title: string,
/**
 * RFC 3339.
 */
starts_at: string, } | { "kind": "backend", title: string, body: string,
/**
 * An https address, or a path of one's own site.
 */
url?: string,
/**
 * Whatever the backend keeps here.
 */
data?: Record<string, unknown>, };

/**
 * How far an invitation into a server is.
 */
export type InvitationState = "open" | "accepted" | "declined";

/**
 * `notification:list`
 */
export type NotificationList = {
/**
 * Notifications with a lower `seq` than this; absent: the newest.
 */
before?: number,
/**
 * Instead of `before`: notifications with a higher `seq` than this, the lowest first.
 */
after?: number,
/**
 * 1–100, 50 when absent.
 */
limit?: number, };

/**
 * Answer of `notification:list`: oldest first.
 */
export type NotificationsListed = { notifications: Array<Notification>,
/**
 * Whether older ones are kept.
 */
more: boolean,
/**
 * Whether newer ones exist.
 */
newer: boolean,
/**
 * Of the newest one; 0 where there was none.
 */
head_seq: number,
/**
 * Of the whole inbox.
 */
unread: number, };

/**
 * `notification:read`: either `ids` or `up_to`.
 */
export type NotificationRead = {
/**
 * At most 100.
 */
ids?: Array<string>,
/**
 * A `seq`: all up to it are read.
 */
up_to?: number, };

/**
 * Answer of `notification:read`.
 */
export type NotificationsLeft = {
/**
 * Of the whole inbox.
 */
unread: number, };

/**
 * `invite:user`: into somebody's inbox.
 */
export type InviteUser = { server: string,
/**
 * The user id.
 */
user: string, };

/**
 * `invite:answer`
 */
export type InviteAnswer = {
/**
 * The notification's id.
 */
notification: string, accept: boolean, };

/**
 * Answer of `invite:answer`.
 */
export type InviteAnswered = {
/**
 * What one is a member of now. Absent after declining.
 */
server?: Server, };

/**
 * `invite:email`: a link that is good once, for seven days, sent by mail.
 */
export type InviteEmail = { server: string,
/**
 * A mail address.
 */
email: string, };

/**
 * Answer of `invite:email`: the mail is on its way.
 */
export type InviteMailed = { invite: Invite, };

/**
 * `room:invite`: into somebody's inbox.
 */
export type RoomInvite = { room: string,
/**
 * The user id.
 */
user: string, };

/**
 * `notification:new` and `notification:updated`. New ones that are made at the same time may come in any order.
 */
export type NotificationChanged = { notification: Notification,
/**
 * Of the whole inbox.
 */
unread: number, };

/**
 * `notification:read`: by any of one's sessions.
 */
export type NotificationsRead = {
/**
 * These were read, or all up to `up_to`.
 */
ids?: Array<string>, up_to?: number,
/**
 * Of the whole inbox.
 */
unread: number, };

/**
 * `invite:received`: beside the `notification:new` of the same notification.
 */
export type InviteReceived = { notification: Notification, };

/** What a client may send: `emit(event, request, (ack: Ack<response>) => …)`. */
export type ClientEvents = {
  "room:create": { request: RoomCreate, response: RoomCreated },
  "room:join": { request: RoomJoin, response: RoomJoined },
  "room:leave": { request: RoomRef, response: Empty },
  "room:close": { request: RoomRef, response: Empty },
  "room:kick": { request: RoomKick, response: Empty },
  "room:mute": { request: RoomMute, response: MediaMuted },
  "lobby:list": { request: LobbyList, response: LobbyListed },
  "lobby:watch": { request: LobbyWatch, response: LobbyListed },
  "media:offer": { request: MediaOffer, response: MediaAnswer },
  "media:publish": { request: MediaPublish, response: MediaPublished },
  "media:subscribe": { request: MediaSubscribe, response: Empty },
  "media:mute": { request: MediaMute, response: MediaMuted },
  "media:pin": { request: MediaPin, response: Empty },
  "media:stats": { request: MediaStatsRequest, response: MediaStats },
  "chat:send": { request: ChatSend, response: ChatSent },
  "chat:edit": { request: ChatEdit, response: ChatSent },
  "chat:delete": { request: ChatDelete, response: ChatSent },
  "chat:history": { request: ChatHistory, response: ChatPage },
  "chat:react": { request: ChatReact, response: ChatReactions },
  "chat:pin": { request: ChatPin, response: Empty },
  "chat:pins": { request: ChatPins, response: ChatPinned },
  "chat:search": { request: ChatSearch, response: ChatFound },
  "chat:upload": { request: ChatUpload, response: ChatUploadGranted },
  "chat:typing": { request: ChatTyping, response: Empty },
  "session:refresh": { request: SessionRefresh, response: SessionRefreshed },
  "server:list": { request: ServerList, response: ServersListed },
  "server:create": { request: ServerCreate, response: ServerEntered },
  "server:update": { request: ServerUpdate, response: Empty },
  "server:transfer": { request: ServerTransfer, response: Empty },
  "server:delete": { request: ServerRef, response: Empty },
  "server:leave": { request: ServerRef, response: Empty },
  "channel:create": { request: ChannelCreate, response: ChannelKept },
  "channel:update": { request: ChannelUpdate, response: ChannelKept },
  "channel:delete": { request: ChannelRef, response: Empty },
  "channel:open": { request: ChannelOpen, response: ChannelOpened },
  "category:create": { request: CategoryCreate, response: CategoryKept },
  "category:update": { request: CategoryUpdate, response: CategoryKept },
  "category:delete": { request: CategoryRef, response: Empty },
  "role:create": { request: RoleCreate, response: RoleKept },
  "role:update": { request: RoleUpdate, response: RoleKept },
  "role:delete": { request: RoleRef, response: Empty },
  "member:list": { request: ServerRef, response: MembersListed },
  "member:update": { request: MemberUpdate, response: Empty },
  "member:kick": { request: MemberRef, response: Empty },
  "member:ban": { request: MemberBan, response: Empty },
  "member:unban": { request: MemberRef, response: Empty },
  "member:bans": { request: ServerRef, response: BansListed },
  "invite:create": { request: InviteCreate, response: InviteCreated },
  "invite:list": { request: ServerRef, response: InvitesListed },
  "invite:revoke": { request: InviteRevoke, response: Empty },
  "invite:preview": { request: InviteSecret, response: InvitePreview },
  "invite:accept": { request: InviteSecret, response: ServerEntered },
  "schedule:list": { request: ScheduleList, response: SchedulesListed },
  "schedule:create": { request: ScheduleCreate, response: ScheduleKept },
  "schedule:update": { request: ScheduleUpdate, response: ScheduleKept },
  "schedule:delete": { request: ScheduleRef, response: Empty },
  "chat:read": { request: ChatRead, response: UnreadChanged },
  "chat:unread": { request: ChatRead, response: UnreadChanged },
  "unread:list": { request: ServerRef, response: UnreadListed },
  "receipts:watch": { request: ReceiptsWatch, response: Empty },
  "presence:set": { request: PresenceSet, response: Empty },
  "presence:idle": { request: PresenceIdle, response: Empty },
  "note:start": { request: NoteStart, response: NoteChanged },
  "note:append": { request: NoteAppend, response: NoteSaid },
  "note:end": { request: NoteRef, response: NoteChanged },
  "note:list": { request: NoteList, response: NotesListed },
  "note:get": { request: NoteGet, response: NotePage },
  "note:export": { request: NoteExport, response: NoteExported },
  "notification:list": { request: NotificationList, response: NotificationsListed },
  "notification:read": { request: NotificationRead, response: NotificationsLeft },
  "invite:user": { request: InviteUser, response: Empty },
  "invite:answer": { request: InviteAnswer, response: InviteAnswered },
  "invite:email": { request: InviteEmail, response: InviteMailed },
  "room:invite": { request: RoomInvite, response: Empty },
};

/** What the server pushes: `on(event, payload => …)`. */
export type ServerEvents = {
  "session:ready": SessionReady,
  "session:expiring": SessionExpiring,
  "session:upgraded": SessionUpgraded,
  "session:draining": SessionDraining,
  "participant:joined": ParticipantJoined,
  "participant:updated": ParticipantUpdated,
  "participant:left": ParticipantLeft,
  "track:published": TrackChanged,
  "track:updated": TrackChanged,
  "track:unpublished": TrackUnpublished,
  "media:map": MediaMap,
  "media:need": MediaNeed,
  "media:lost": MediaLost,
  "media:layers": MediaLayers,
  "media:stalled": MediaStalled,
  "speaker:changed": SpeakerChanged,
  "quality:changed": QualityChanged,
  "room:updated": RoomUpdated,
  "room:closed": RoomClosed,
  "room:replaced": RoomReplaced,
  "chat:message": ChatMessage,
  "chat:edited": ChatEdited,
  "chat:deleted": ChatDeleted,
  "chat:reacted": ChatReacted,
  "chat:pinned": ChatPinChanged,
  "chat:typing": ChatTypist,
  "lobby:changed": LobbyChanged,
  "server:added": ServerAdded,
  "server:updated": ServerUpdated,
  "server:deleted": ServerDeleted,
  "channel:created": ChannelChanged,
  "channel:updated": ChannelChanged,
  "channel:deleted": ChannelDeleted,
  "member:joined": MemberChanged,
  "member:updated": MemberChanged,
  "member:left": MemberLeft,
  "presence:changed": PresenceChanged,
  "voice:changed": VoiceChanged,
  "unread:changed": UnreadChanged,
  "receipts:standing": ReceiptsStanding,
  "receipts:moved": ReceiptsMoved,
  "schedule:changed": ScheduleChanged,
  "schedule:deleted": ScheduleDeleted,
  "schedule:due": ScheduleChanged,
  "note:started": NoteChanged,
  "note:appended": NoteAppended,
  "note:ended": NoteChanged,
  "notification:new": NotificationChanged,
  "notification:updated": NotificationChanged,
  "notification:read": NotificationsRead,
  "invite:received": InviteReceived,
};

/** What the ack of a client event carries. */
export type Ack<T> = ({ ok: true } & T) | { ok: false, error: WireError };

/** An answer without content. */
export type Empty = Record<never, never>;
