//! The TypeScript of the wire: one text, generated from the Rust types in a fixed order.
//!
//! Not a build step: `cargo run -p zzan-signaling --example typescript` writes the committed file, and a test holds both equal.

use super::chat;
use super::client_event as request;
use super::community;
use super::error::{ErrorCode, WireError};
use super::notes;
use super::notification;
use super::receipts;
use super::server_event as push;
use super::stats;
use super::types;
use std::fmt::Write as _;
use ts_rs::{Config, TS};

/// Where the text is committed, from the workspace's root.
pub const COMMITTED_AT: &str = "web/sdk/src/protocol.gen.ts";

const HEADER: &str = "// Generated from signaling/src/protocol. Do not edit: cargo run -p zzan-signaling --example typescript\n";

/// The whole file.
pub fn generate() -> String {
    let mut out = Writer { config: Config::default(), text: HEADER.to_owned() };
    out.shared();
    out.requests();
    out.pushes();
    out.community();
    out.notes();
    out.notifications();
    out.client_events();
    out.server_events();
    out.text.push_str(ACK);
    out.text
}

/// An ack's two shapes, which no Rust type spells out: `ok` is merged into the answer when it is rendered.
const ACK: &str = "
/** What the ack of a client event carries. */
export type Ack<T> = ({ ok: true } & T) | { ok: false, error: WireError };

/** An answer without content. */
export type Empty = Record<never, never>;
";

struct Writer {
    config: Config,
    text: String,
}

impl Writer {
    fn declare<T: TS + 'static>(&mut self) {
        self.text.push('\n');
        if let Some(docs) = T::docs() {
            self.text.push_str(&docs);
        }
        self.text.push_str("export ");
        // ts-rs leaves blanks at the ends of lines beside doc comments.
        for line in T::decl(&self.config).lines() {
            self.text.push_str(line.trim_end());
            self.text.push('\n');
        }
    }

    fn shared(&mut self) {
        self.declare::<ErrorCode>();
        self.declare::<WireError>();
        self.declare::<types::Room>();
        self.declare::<types::RoomKind>();
        self.declare::<types::LobbyRoom>();
        self.declare::<types::Participant>();
        self.declare::<types::ParticipantState>();
        self.declare::<types::Me>();
        self.declare::<types::Rights>();
        self.declare::<types::Quality>();
        self.declare::<types::ParticipantQuality>();
        self.declare::<types::Track>();
        self.declare::<types::TrackKind>();
        self.declare::<types::TrackSource>();
        self.declare::<types::Slot>();
        self.declare::<types::SlotBinding>();
        self.declare::<types::SessionDescription>();
        self.declare::<types::SdpKind>();
        self.declare::<types::IceServer>();
        self.declare::<types::Publication>();
        self.declare::<types::Message>();
        self.declare::<types::Mention>();
        self.declare::<types::MentionKind>();
        self.declare::<types::Attachment>();
        self.declare::<types::Reaction>();
        self.declare::<types::Author>();
        self.declare::<types::Speaker>();
    }

    fn requests(&mut self) {
        self.declare::<request::RoomCreate>();
        self.declare::<request::RoomCreated>();
        self.declare::<request::LobbyList>();
        self.declare::<request::LobbyWatch>();
        self.declare::<request::LobbyListed>();
        self.declare::<request::RoomJoin>();
        self.declare::<request::RoomJoined>();
        self.declare::<request::RoomRef>();
        self.declare::<request::RoomKick>();
        self.declare::<request::RoomMute>();
        self.declare::<request::MediaOffer>();
        self.declare::<request::MediaAnswer>();
        self.declare::<request::MediaPublish>();
        self.declare::<request::MediaPublished>();
        self.declare::<request::MediaSubscribe>();
        self.declare::<request::MediaMute>();
        self.declare::<request::MediaMuted>();
        self.declare::<request::MediaPin>();
        self.declare::<stats::MediaStatsRequest>();
        self.declare::<stats::MediaStats>();
        self.declare::<stats::PublicationStats>();
        self.declare::<stats::LayerStats>();
        self.declare::<stats::SubscriptionStats>();
        self.declare::<request::ChatSend>();
        self.declare::<request::ChatSent>();
        self.declare::<request::ChatEdit>();
        self.declare::<request::ChatDelete>();
        self.declare::<request::ChatHistory>();
        self.declare::<request::ChatPage>();
        self.declare::<chat::ChatReact>();
        self.declare::<chat::ChatReactions>();
        self.declare::<chat::ChatPin>();
        self.declare::<chat::ChatPins>();
        self.declare::<chat::ChatPinned>();
        self.declare::<chat::ChatSearch>();
        self.declare::<chat::ChatFound>();
        self.declare::<chat::ChatUpload>();
        self.declare::<chat::ChatUploadGranted>();
        self.declare::<chat::ChatTyping>();
        self.declare::<request::SessionRefresh>();
        self.declare::<request::SessionRefreshed>();
        self.declare::<request::Seat>();
    }

    fn pushes(&mut self) {
        self.declare::<push::SessionReady>();
        self.declare::<push::UploadLimits>();
        self.declare::<push::SessionExpiring>();
        self.declare::<push::SessionUpgraded>();
        self.declare::<push::SessionDraining>();
        self.declare::<push::ParticipantJoined>();
        self.declare::<push::ParticipantUpdated>();
        self.declare::<push::ParticipantLeft>();
        self.declare::<push::LeaveReason>();
        self.declare::<push::TrackChanged>();
        self.declare::<push::TrackUnpublished>();
        self.declare::<push::MediaMap>();
        self.declare::<push::MediaNeed>();
        self.declare::<push::MediaLost>();
        self.declare::<push::MediaLayers>();
        self.declare::<push::MediaStalled>();
        self.declare::<push::SpeakerChanged>();
        self.declare::<push::QualityChanged>();
        self.declare::<push::RoomUpdated>();
        self.declare::<push::RoomClosed>();
        self.declare::<push::CloseReason>();
        self.declare::<push::RoomReplaced>();
        self.declare::<push::ChatMessage>();
        self.declare::<push::ChatEdited>();
        self.declare::<push::ChatDeleted>();
        self.declare::<chat::ChatReacted>();
        self.declare::<chat::ChatPinChanged>();
        self.declare::<chat::ChatTypist>();
        self.declare::<push::LobbyChanged>();
    }

    fn community(&mut self) {
        self.declare::<community::Server>();
        self.declare::<community::ServerInfo>();
        self.declare::<community::Membership>();
        self.declare::<community::Permission>();
        self.declare::<community::Role>();
        self.declare::<community::RoleKind>();
        self.declare::<community::Category>();
        self.declare::<community::Channel>();
        self.declare::<community::ChannelKind>();
        self.declare::<community::Private>();
        self.declare::<community::Unread>();
        self.declare::<community::Voice>();
        self.declare::<community::Person>();
        self.declare::<community::Member>();
        self.declare::<community::Presence>();
        self.declare::<community::Status>();
        self.declare::<community::DepartReason>();
        self.declare::<community::Ban>();
        self.declare::<community::Invite>();
        self.declare::<community::Schedule>();
        self.declare::<community::ServerList>();
        self.declare::<community::ServersListed>();
        self.declare::<community::ServerCreate>();
        self.declare::<community::DefaultNames>();
        self.declare::<community::ServerEntered>();
        self.declare::<community::ServerUpdate>();
        self.declare::<community::ServerTransfer>();
        self.declare::<community::ServerRef>();
        self.declare::<community::ChannelCreate>();
        self.declare::<community::ChannelUpdate>();
        self.declare::<community::ChannelKept>();
        self.declare::<community::ChannelRef>();
        self.declare::<community::ChannelOpen>();
        self.declare::<community::ChannelOpened>();
        self.declare::<community::CategoryCreate>();
        self.declare::<community::CategoryUpdate>();
        self.declare::<community::CategoryKept>();
        self.declare::<community::CategoryRef>();
        self.declare::<community::RoleCreate>();
        self.declare::<community::RoleUpdate>();
        self.declare::<community::RoleKept>();
        self.declare::<community::RoleRef>();
        self.declare::<community::MembersListed>();
        self.declare::<community::MemberUpdate>();
        self.declare::<community::MemberRef>();
        self.declare::<community::MemberBan>();
        self.declare::<community::BansListed>();
        self.declare::<community::InviteCreate>();
        self.declare::<community::InviteCreated>();
        self.declare::<community::InvitesListed>();
        self.declare::<community::InviteRevoke>();
        self.declare::<community::InviteSecret>();
        self.declare::<community::InvitePreview>();
        self.declare::<community::ScheduleList>();
        self.declare::<community::SchedulesListed>();
        self.declare::<community::ScheduleCreate>();
        self.declare::<community::ScheduleUpdate>();
        self.declare::<community::NewSchedule>();
        self.declare::<community::ScheduleKept>();
        self.declare::<community::ScheduleRef>();
        self.declare::<community::ChatRead>();
        self.declare::<community::UnreadListed>();
        self.declare::<community::PresenceSet>();
        self.declare::<community::PresenceIdle>();
        self.declare::<community::ServerAdded>();
        self.declare::<community::ServerUpdated>();
        self.declare::<community::ServerDeleted>();
        self.declare::<community::ChannelChanged>();
        self.declare::<community::ChannelDeleted>();
        self.declare::<community::MemberChanged>();
        self.declare::<community::MemberLeft>();
        self.declare::<community::PresenceChanged>();
        self.declare::<community::MemberPresence>();
        self.declare::<community::VoiceChanged>();
        self.declare::<community::UnreadChanged>();
        self.declare::<community::ScheduleChanged>();
        self.declare::<community::ScheduleDeleted>();
        self.declare::<receipts::ReceiptsWatch>();
        self.declare::<receipts::Standing>();
        self.declare::<receipts::ReceiptsStanding>();
        self.declare::<receipts::ReceiptMove>();
        self.declare::<receipts::ReceiptsMoved>();
    }

    fn notes(&mut self) {
        self.declare::<notes::Note>();
        self.declare::<notes::NoteLine>();
        self.declare::<notes::NoteStart>();
        self.declare::<notes::NoteChanged>();
        self.declare::<notes::NoteAppend>();
        self.declare::<notes::NoteSaid>();
        self.declare::<notes::NoteRef>();
        self.declare::<notes::NoteList>();
        self.declare::<notes::NotesListed>();
        self.declare::<notes::NoteGet>();
        self.declare::<notes::NotePage>();
        self.declare::<notes::NoteExport>();
        self.declare::<notes::NoteFormat>();
        self.declare::<notes::NoteExported>();
        self.declare::<notes::NoteAppended>();
    }

    fn notifications(&mut self) {
        self.declare::<notification::Notification>();
        self.declare::<notification::NotificationAbout>();
        self.declare::<notification::InvitationState>();
        self.declare::<notification::NotificationList>();
        self.declare::<notification::NotificationsListed>();
        self.declare::<notification::NotificationRead>();
        self.declare::<notification::NotificationsLeft>();
        self.declare::<notification::InviteUser>();
        self.declare::<notification::InviteAnswer>();
        self.declare::<notification::InviteAnswered>();
        self.declare::<notification::InviteEmail>();
        self.declare::<notification::InviteMailed>();
        self.declare::<notification::RoomInvite>();
        self.declare::<notification::NotificationChanged>();
        self.declare::<notification::NotificationsRead>();
        self.declare::<notification::InviteReceived>();
    }

    fn client_events(&mut self) {
        self.text.push_str(
            "\n/** What a client may send: `emit(event, request, (ack: Ack<response>) => …)`. */\nexport type ClientEvents = {\n",
        );
        self.client::<request::RoomCreate>("room:create", "RoomCreated");
        self.client::<request::RoomJoin>("room:join", "RoomJoined");
        self.client::<request::RoomRef>("room:leave", "Empty");
        self.client::<request::RoomRef>("room:close", "Empty");
        self.client::<request::RoomKick>("room:kick", "Empty");
        self.client::<request::RoomMute>("room:mute", "MediaMuted");
        self.client::<request::LobbyList>("lobby:list", "LobbyListed");
        self.client::<request::LobbyWatch>("lobby:watch", "LobbyListed");
        self.client::<request::MediaOffer>("media:offer", "MediaAnswer");
        self.client::<request::MediaPublish>("media:publish", "MediaPublished");
        self.client::<request::MediaSubscribe>("media:subscribe", "Empty");
        self.client::<request::MediaMute>("media:mute", "MediaMuted");
        self.client::<request::MediaPin>("media:pin", "Empty");
        self.client::<stats::MediaStatsRequest>("media:stats", "MediaStats");
        self.client::<request::ChatSend>("chat:send", "ChatSent");
        self.client::<request::ChatEdit>("chat:edit", "ChatSent");
        self.client::<request::ChatDelete>("chat:delete", "ChatSent");
        self.client::<request::ChatHistory>("chat:history", "ChatPage");
        self.client::<chat::ChatReact>("chat:react", "ChatReactions");
        self.client::<chat::ChatPin>("chat:pin", "Empty");
        self.client::<chat::ChatPins>("chat:pins", "ChatPinned");
        self.client::<chat::ChatSearch>("chat:search", "ChatFound");
        self.client::<chat::ChatUpload>("chat:upload", "ChatUploadGranted");
        self.client::<chat::ChatTyping>("chat:typing", "Empty");
        self.client::<request::SessionRefresh>("session:refresh", "SessionRefreshed");
        self.client_events_of_servers();
        self.client_events_of_inboxes();
        self.text.push_str("};\n");
    }

    fn client_events_of_servers(&mut self) {
        self.client::<community::ServerList>("server:list", "ServersListed");
        self.client::<community::ServerCreate>("server:create", "ServerEntered");
        self.client::<community::ServerUpdate>("server:update", "Empty");
        self.client::<community::ServerTransfer>("server:transfer", "Empty");
        self.client::<community::ServerRef>("server:delete", "Empty");
        self.client::<community::ServerRef>("server:leave", "Empty");
        self.client::<community::ChannelCreate>("channel:create", "ChannelKept");
        self.client::<community::ChannelUpdate>("channel:update", "ChannelKept");
        self.client::<community::ChannelRef>("channel:delete", "Empty");
        self.client::<community::ChannelOpen>("channel:open", "ChannelOpened");
        self.client::<community::CategoryCreate>("category:create", "CategoryKept");
        self.client::<community::CategoryUpdate>("category:update", "CategoryKept");
        self.client::<community::CategoryRef>("category:delete", "Empty");
        self.client::<community::RoleCreate>("role:create", "RoleKept");
        self.client::<community::RoleUpdate>("role:update", "RoleKept");
        self.client::<community::RoleRef>("role:delete", "Empty");
        self.client::<community::ServerRef>("member:list", "MembersListed");
        self.client::<community::MemberUpdate>("member:update", "Empty");
        self.client::<community::MemberRef>("member:kick", "Empty");
        self.client::<community::MemberBan>("member:ban", "Empty");
        self.client::<community::MemberRef>("member:unban", "Empty");
        self.client::<community::ServerRef>("member:bans", "BansListed");
        self.client::<community::InviteCreate>("invite:create", "InviteCreated");
        self.client::<community::ServerRef>("invite:list", "InvitesListed");
        self.client::<community::InviteRevoke>("invite:revoke", "Empty");
        self.client::<community::InviteSecret>("invite:preview", "InvitePreview");
        self.client::<community::InviteSecret>("invite:accept", "ServerEntered");
        self.client::<community::ScheduleList>("schedule:list", "SchedulesListed");
        self.client::<community::ScheduleCreate>("schedule:create", "ScheduleKept");
        self.client::<community::ScheduleUpdate>("schedule:update", "ScheduleKept");
        self.client::<community::ScheduleRef>("schedule:delete", "Empty");
        self.client::<community::ChatRead>("chat:read", "UnreadChanged");
        self.client::<community::ChatRead>("chat:unread", "UnreadChanged");
        self.client::<community::ServerRef>("unread:list", "UnreadListed");
        self.client::<receipts::ReceiptsWatch>("receipts:watch", "Empty");
        self.client::<community::PresenceSet>("presence:set", "Empty");
        self.client::<community::PresenceIdle>("presence:idle", "Empty");
        self.client::<notes::NoteStart>("note:start", "NoteChanged");
        self.client::<notes::NoteAppend>("note:append", "NoteSaid");
        self.client::<notes::NoteRef>("note:end", "NoteChanged");
        self.client::<notes::NoteList>("note:list", "NotesListed");
        self.client::<notes::NoteGet>("note:get", "NotePage");
        self.client::<notes::NoteExport>("note:export", "NoteExported");
    }

    fn client_events_of_inboxes(&mut self) {
        self.client::<notification::NotificationList>("notification:list", "NotificationsListed");
        self.client::<notification::NotificationRead>("notification:read", "NotificationsLeft");
        self.client::<notification::InviteUser>("invite:user", "Empty");
        self.client::<notification::InviteAnswer>("invite:answer", "InviteAnswered");
        self.client::<notification::InviteEmail>("invite:email", "InviteMailed");
        self.client::<notification::RoomInvite>("room:invite", "Empty");
    }

    fn client<T: TS>(&mut self, event: &str, response: &str) {
        let request = T::name(&self.config);
        writeln!(self.text, "  \"{event}\": {{ request: {request}, response: {response} }},").expect("writing to a String can't fail");
    }

    fn server_events(&mut self) {
        self.text.push_str("\n/** What the server pushes: `on(event, payload => …)`. */\nexport type ServerEvents = {\n");
        self.server::<push::SessionReady>("session:ready");
        self.server::<push::SessionExpiring>("session:expiring");
        self.server::<push::SessionUpgraded>("session:upgraded");
        self.server::<push::SessionDraining>("session:draining");
        self.server::<push::ParticipantJoined>("participant:joined");
        self.server::<push::ParticipantUpdated>("participant:updated");
        self.server::<push::ParticipantLeft>("participant:left");
        self.server::<push::TrackChanged>("track:published");
        self.server::<push::TrackChanged>("track:updated");
        self.server::<push::TrackUnpublished>("track:unpublished");
        self.server::<push::MediaMap>("media:map");
        self.server::<push::MediaNeed>("media:need");
        self.server::<push::MediaLost>("media:lost");
        self.server::<push::MediaLayers>("media:layers");
        self.server::<push::MediaStalled>("media:stalled");
        self.server::<push::SpeakerChanged>("speaker:changed");
        self.server::<push::QualityChanged>("quality:changed");
        self.server::<push::RoomUpdated>("room:updated");
        self.server::<push::RoomClosed>("room:closed");
        self.server::<push::RoomReplaced>("room:replaced");
        self.server::<push::ChatMessage>("chat:message");
        self.server::<push::ChatEdited>("chat:edited");
        self.server::<push::ChatDeleted>("chat:deleted");
        self.server::<chat::ChatReacted>("chat:reacted");
        self.server::<chat::ChatPinChanged>("chat:pinned");
        self.server::<chat::ChatTypist>("chat:typing");
        self.server::<push::LobbyChanged>("lobby:changed");
        self.server::<community::ServerAdded>("server:added");
        self.server::<community::ServerUpdated>("server:updated");
        self.server::<community::ServerDeleted>("server:deleted");
        self.server::<community::ChannelChanged>("channel:created");
        self.server::<community::ChannelChanged>("channel:updated");
        self.server::<community::ChannelDeleted>("channel:deleted");
        self.server::<community::MemberChanged>("member:joined");
        self.server::<community::MemberChanged>("member:updated");
        self.server::<community::MemberLeft>("member:left");
        self.server::<community::PresenceChanged>("presence:changed");
        self.server::<community::VoiceChanged>("voice:changed");
        self.server::<community::UnreadChanged>("unread:changed");
        self.server::<receipts::ReceiptsStanding>("receipts:standing");
        self.server::<receipts::ReceiptsMoved>("receipts:moved");
        self.server::<community::ScheduleChanged>("schedule:changed");
        self.server::<community::ScheduleDeleted>("schedule:deleted");
        self.server::<community::ScheduleChanged>("schedule:due");
        self.server::<notes::NoteChanged>("note:started");
        self.server::<notes::NoteAppended>("note:appended");
        self.server::<notes::NoteChanged>("note:ended");
        self.server::<notification::NotificationChanged>("notification:new");
        self.server::<notification::NotificationChanged>("notification:updated");
        self.server::<notification::NotificationsRead>("notification:read");
        self.server::<notification::InviteReceived>("invite:received");
        self.text.push_str("};\n");
    }

    fn server<T: TS>(&mut self, event: &str) {
        let payload = T::name(&self.config);
        writeln!(self.text, "  \"{event}\": {payload},").expect("writing to a String can't fail");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_typescript_is_the_generated_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/sdk/src/protocol.gen.ts");
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == generate(), "{COMMITTED_AT} is stale: cargo run -p zzan-signaling --example typescript");
    }

    #[test]
    fn every_type_that_a_declaration_names_is_declared() {
        let text = generate();
        let declared: std::collections::HashSet<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("export type "))
            .filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next())
            .collect();
        let uncommented: String = text.lines().filter(|line| !line.trim_start().starts_with(['*', '/'])).collect::<Vec<_>>().join("\n");
        for word in uncommented.split(|c: char| !c.is_alphanumeric() && c != '_') {
            if word.starts_with(|c: char| c.is_ascii_uppercase()) && !["T", "Array", "Record"].contains(&word) {
                assert!(declared.contains(word), "{word} is used, but not declared");
            }
        }
    }
}
