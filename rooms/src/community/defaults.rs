//! What a server begins with.

use super::request::DefaultNames;
use super::role;
use crate::limits;
use crate::store::{Access, CategoryRecord, ChannelKind, ChannelRecord, MemberRecord, ServerKind, ServerRecord, ServerTree};
use crate::view::User;
use crate::{CategoryId, ChannelId, Result, ServerId};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// Seats of the first voice channel.
const VOICE_CAPACITY: u8 = 4;

/// SHA-256.
pub(crate) fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The server of a direct channel, with its two members.
pub(crate) fn default_direct(
    id: &ServerId,
    name: String,
    subject: String,
    users: &[User; 2],
    metadata: Option<String>,
    at: SystemTime,
) -> (ServerTree, Vec<MemberRecord>) {
    let role = role::party(id);
    let channel = ChannelRecord {
        id: ChannelId::new(format!("ch_{}", id.as_str().trim_start_matches("dir_"))),
        category: None,
        kind: ChannelKind::Text,
        name: name.clone(),
        position: 0,
        access: Access::open(0),
        slow_mode: None,
        metadata,
        created_at: at,
    };
    let member = |user: &User| MemberRecord {
        server: id.clone(),
        user: user.clone(),
        nickname: None,
        roles: vec![role.id.clone()],
        joined_at: at,
        since: BTreeMap::new(),
    };
    let members = users.iter().map(member).collect();
    let server = ServerRecord { id: id.clone(), kind: ServerKind::Direct { subject }, name, image_url: None, owner: None, created_at: at };
    let tree = ServerTree {
        server,
        roles: BTreeMap::from([(role.id.clone(), role)]),
        categories: BTreeMap::new(),
        channels: BTreeMap::from([(channel.id.clone(), channel)]),
        version: 1,
    };
    (tree, members)
}

/// A server with its default roles, a category with a text channel, one with a voice channel, and its owner.
///
/// # Errors
/// `Invalid` for names out of bounds.
pub(crate) fn default_tree(
    id: ServerId,
    name: String,
    image_url: Option<String>,
    owner: &User,
    names: &DefaultNames,
    at: SystemTime,
) -> Result<(ServerTree, MemberRecord)> {
    let suffix = id.as_str().trim_start_matches("srv_").to_owned();
    let category = |kind: &str, name: &str, position| {
        let id = CategoryId::new(format!("cat_{kind}_{suffix}"));
        crate::Result::Ok(CategoryRecord { id, name: limits::name("defaults", name)?, position })
    };
    let categories = [category("text", &names.text_category, 0)?, category("voice", &names.voice_category, 1)?];
    let channel = |kind: &str, category: &CategoryRecord, what: ChannelKind, name: &str| {
        crate::Result::Ok(ChannelRecord {
            id: ChannelId::new(format!("ch_{kind}_{suffix}")),
            category: Some(category.id.clone()),
            kind: what,
            name: limits::name("defaults", name)?,
            position: 0,
            access: Access::open(0),
            slow_mode: None,
            metadata: None,
            created_at: at,
        })
    };
    let channels = [
        channel("text", &categories[0], ChannelKind::Text, &names.text_channel)?,
        channel("voice", &categories[1], ChannelKind::Voice { capacity: VOICE_CAPACITY }, &names.voice_channel)?,
    ];
    let server =
        ServerRecord { id: id.clone(), kind: ServerKind::Community, name, image_url, owner: Some(owner.id.clone()), created_at: at };
    let tree = ServerTree {
        server,
        roles: role::defaults(&id).into_iter().map(|role| (role.id.clone(), role)).collect(),
        categories: categories.into_iter().map(|category| (category.id.clone(), category)).collect(),
        channels: channels.into_iter().map(|channel| (channel.id.clone(), channel)).collect(),
        version: 1,
    };
    let since = BTreeMap::new();
    let member = MemberRecord { server: id, user: owner.clone(), nickname: None, roles: vec![], joined_at: at, since };
    Ok((tree, member))
}
