//! The table against a model of it: each verb is a list of needs, and what fulfils a need is worked out from bit masks. Neither knows the other.

use super::*;
use crate::community::decide::{By, Context, Order, Write};
use crate::community::fetch::Fetched;
use crate::community::request::{ChannelChange, Command, NewChannel, NewInvite, NewSchedule};
use crate::store::{CategoryRecord, ChannelKind, ServerRecord};
use crate::view::User;
use crate::{CategoryId, ChannelId, InviteId, ScheduleId, ServerId, UserId};
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

const USERS: usize = 4;
const ROLES: usize = 4;
const CHANNELS: usize = 3;
const NOW: SystemTime = SystemTime::UNIX_EPOCH;

/// A server as small numbers. Bit n of a mask is the nth user or role.
#[derive(Debug, Clone)]
struct Shape {
    is_direct: bool,
    /// May be somebody who is no member.
    owner: Option<usize>,
    roles: Vec<(RoleKind, u32, u32)>,
    /// The roles of each user. `None` for who is no member.
    members: Vec<Option<usize>>,
    /// Who is listed: users and roles. `None` for everyone.
    channels: Vec<Option<(usize, usize)>>,
}

fn shape() -> impl Strategy<Value = Shape> {
    let kind = prop_oneof![
        Just(RoleKind::Custom),
        Just(RoleKind::Custom),
        Just(RoleKind::Member),
        Just(RoleKind::Guest),
        Just(RoleKind::Moderator),
        Just(RoleKind::Admin),
    ];
    let permissions = prop_oneof![0..=Permissions::all().bits(), Just(0), Just(Permissions::all().bits())];
    let role = (kind, permissions, 0..4u32);
    (
        prop::bool::weighted(0.2),
        prop::option::weighted(0.8, 0..USERS),
        prop::collection::vec(role, ROLES),
        prop::collection::vec(prop::option::weighted(0.8, 0..1usize << ROLES), USERS),
        prop::collection::vec(prop::option::weighted(0.7, (0..1usize << USERS, 0..1usize << ROLES)), CHANNELS),
    )
        .prop_map(|(is_direct, owner, roles, members, channels)| Shape { is_direct, owner, roles, members, channels })
}

/// What somebody has to fulfil, in the order in which it is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Need {
    See(usize),
    May(Permission),
    Own,
    /// A rank below one's own.
    Over(u32),
    /// A member below oneself, and not oneself.
    Outrank(usize),
    /// Not the owner.
    Spare(usize),
    Hold(u32),
    Deletable(usize),
    /// Not a direct server.
    Community,
    /// Not being the owner.
    Depart,
    /// Not being a backend.
    Person,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Yes,
    Forbidden,
    NotFound,
    Conflict,
}

fn verdict<T: std::fmt::Debug>(result: &Result<T>) -> Verdict {
    match result {
        Ok(_) => Verdict::Yes,
        Err(Error::Forbidden(_)) => Verdict::Forbidden,
        Err(Error::NotFound(_)) => Verdict::NotFound,
        Err(Error::Conflict(_)) => Verdict::Conflict,
        Err(other) => panic!("{other:?}"),
    }
}

impl Shape {
    fn is_lord(&self, who: Option<usize>) -> bool {
        who.is_none() || who == self.owner
    }

    fn held(&self, user: usize) -> impl Iterator<Item = usize> {
        let mask = self.members[user].unwrap_or_default();
        (0..ROLES).filter(move |role| mask & (1 << role) != 0)
    }

    fn power(&self, who: Option<usize>) -> u32 {
        match who {
            Some(user) if !self.is_lord(who) => self.held(user).map(|role| self.roles[role].1).fold(0, |all, one| all | one),
            _ => u32::MAX,
        }
    }

    /// One more than the rank, so that nobody has none.
    fn height(&self, who: Option<usize>) -> u64 {
        match who {
            Some(user) if !self.is_lord(who) => self.held(user).map(|role| u64::from(self.roles[role].2)).max().unwrap_or(0),
            _ => u64::from(u32::MAX),
        }
    }

    fn may(&self, who: Option<usize>, permission: Permission) -> bool {
        let bit = Permission::ALL.iter().position(|one| *one == permission).unwrap();
        self.power(who) & (1 << bit) != 0
    }

    fn sees(&self, who: Option<usize>, channel: usize) -> bool {
        let listed = match (self.channels[channel], who) {
            (None, _) | (_, None) => true,
            (Some((users, roles)), Some(user)) => users & (1 << user) != 0 || roles & self.members[user].unwrap_or_default() != 0,
        };
        listed || self.may(who, Permission::ManageChannels)
    }

    fn meets(&self, who: Option<usize>, need: Need) -> Verdict {
        let or = |is_met: bool, verdict| if is_met { Verdict::Yes } else { verdict };
        match need {
            Need::See(channel) => or(self.sees(who, channel), Verdict::NotFound),
            Need::May(permission) => or(self.may(who, permission), Verdict::Forbidden),
            Need::Own => or(self.is_lord(who), Verdict::Forbidden),
            Need::Over(rank) => or(self.height(who) > u64::from(rank), Verdict::Forbidden),
            Need::Outrank(other) if who == Some(other) => Verdict::Conflict,
            Need::Outrank(other) if who.is_none() || self.owner != Some(other) => {
                or(who.is_none() || self.height(who) > self.height(Some(other)), Verdict::Forbidden)
            }
            Need::Outrank(_) => Verdict::Forbidden,
            Need::Spare(other) => or(self.owner != Some(other), Verdict::Conflict),
            Need::Hold(bits) => or(self.power(who) & bits == bits, Verdict::Forbidden),
            Need::Deletable(role) => or(self.roles[role].0 == RoleKind::Custom, Verdict::Conflict),
            Need::Community => or(!self.is_direct, Verdict::Forbidden),
            Need::Depart => or(!self.is_lord(who), Verdict::Conflict),
            Need::Person => or(who.is_some(), Verdict::Forbidden),
        }
    }

    fn verdict(&self, who: Option<usize>, needs: &[Need]) -> Verdict {
        needs.iter().map(|need| self.meets(who, *need)).find(|verdict| *verdict != Verdict::Yes).unwrap_or(Verdict::Yes)
    }
}

/// A shape as records, whose ids begin with the name.
struct World {
    name: &'static str,
    shape: Shape,
    tree: ServerTree,
    members: HashMap<UserId, MemberRecord>,
}

fn user(index: usize) -> User {
    User { id: UserId::new(format!("user {index}")), name: format!("{index}") }
}

impl World {
    fn new(name: &'static str, shape: Shape) -> Self {
        let role_id = |index: usize| RoleId::new(format!("{name} role {index}"));
        let mask = |mask: usize, count: usize| (0..count).filter(move |index| mask & (1 << index) != 0);
        let roles = shape.roles.iter().enumerate().map(|(index, (kind, bits, rank))| RoleRecord {
            id: role_id(index),
            kind: *kind,
            name: "r".to_owned(),
            color: None,
            permissions: Permissions::from_bits(*bits).unwrap(),
            rank: *rank,
        });
        let channels = shape.channels.iter().enumerate().map(|(index, listed)| ChannelRecord {
            id: ChannelId::new(format!("{name} channel {index}")),
            category: None,
            kind: ChannelKind::Text,
            name: "c".to_owned(),
            position: 0,
            access: match listed {
                None => Access::open(0),
                Some((users, roles)) => Access::private(
                    mask(*users, USERS).map(|index| (user(index).id, 0)).collect(),
                    mask(*roles, ROLES).map(|index| (role_id(index), 0)).collect(),
                ),
            },
            slow_mode: None,
            metadata: None,
            created_at: NOW,
        });
        let id = ServerId::new(name);
        let category = CategoryRecord { id: CategoryId::new(format!("{name} category")), name: "k".to_owned(), position: 0 };
        let tree = ServerTree {
            server: ServerRecord {
                id: id.clone(),
                kind: if shape.is_direct { ServerKind::Direct { subject: "s".to_owned() } } else { ServerKind::Community },
                name: "n".to_owned(),
                image_url: None,
                owner: shape.owner.map(|owner| user(owner).id),
                created_at: NOW,
            },
            roles: roles.map(|role| (role.id.clone(), role)).collect(),
            categories: BTreeMap::from([(category.id.clone(), category)]),
            channels: channels.map(|channel| (channel.id.clone(), channel)).collect(),
            version: 1,
        };
        let member = |(index, roles): (usize, &Option<usize>)| {
            let roles = mask((*roles)?, ROLES).map(role_id).collect();
            let user = user(index);
            Some((
                user.id.clone(),
                MemberRecord { server: id.clone(), user, nickname: None, roles, joined_at: NOW, since: BTreeMap::new() },
            ))
        };
        let members = shape.members.iter().enumerate().filter_map(member).collect();
        Self { name, shape, tree, members }
    }

    fn role(&self, index: usize) -> &RoleRecord {
        &self.tree.roles[&RoleId::new(format!("{} role {index}", self.name))]
    }

    fn channel(&self, index: usize) -> &ChannelRecord {
        &self.tree.channels[&ChannelId::new(format!("{} channel {index}", self.name))]
    }

    fn invite(&self, by: Option<usize>) -> InviteRecord {
        InviteRecord {
            id: InviteId::new(format!("{} invite", self.name)),
            server: self.tree.server.id.clone(),
            secret_hash: [0; 32],
            role: self.role(0).id.clone(),
            created_by: by.map(user),
            created_at: NOW,
            expires_at: None,
            max_uses: None,
            uses: 0,
            revoked: false,
        }
    }

    fn schedule(&self, by: usize) -> ScheduleRecord {
        ScheduleRecord {
            id: ScheduleId::new(format!("{} schedule", self.name)),
            server: self.tree.server.id.clone(),
            title: "t".to_owned(),
            description: String::new(),
            starts_at: NOW,
            ends_at: None,
            color: None,
            remind_at: None,
            created_by: user(by),
            changed_at: NOW,
        }
    }

    fn may(&self, who: Option<usize>, act: Act<'_>) -> Verdict {
        let actor = who.map_or(Actor::Backend, |index| Actor::Member(&self.members[&user(index).id]));
        verdict(&may(&self.tree, actor, act))
    }

    fn decide(&self, who: Option<usize>, command: Command, fetched: Fetched) -> Result<Write> {
        let by = who.map_or(By::Backend, |index| By::User(user(index)));
        let order = Order { by, command, at: NOW, fresh_id: "fresh".to_owned(), secret_hash: [0; 32], fetched };
        Context { tree: &self.tree, members: &self.members }.decide(order)
    }

    /// Everything that can be asked about the whole server.
    fn of_server(&self) -> Vec<(Act<'_>, Option<Command>, Vec<Need>)> {
        use Need::{Community, Depart, May, Own};
        use Permission as P;
        let new =
            NewChannel { name: "new".to_owned(), kind: ChannelKind::Text, category: None, private: None, position: None, slow_mode: None };
        let category = CategoryId::new(format!("{} category", self.name));
        vec![
            (Act::ChangeServer, Some(Command::UpdateServer { name: None, image_url: None }), vec![May(P::ManageServer)]),
            (Act::DeleteServer, Some(Command::DeleteServer), vec![Own]),
            (Act::HandOver, None, vec![Own]),
            (Act::AddChannel, Some(Command::CreateChannel(new)), vec![May(P::ManageChannels)]),
            (Act::ChangeCategories, Some(Command::DeleteCategory { category }), vec![May(P::ManageChannels)]),
            (Act::ChangeCategories, Some(Command::CreateCategory { name: "k".to_owned(), position: None }), vec![May(P::ManageChannels)]),
            (Act::SeeBans, None, vec![May(P::Ban)]),
            (Act::Unban, Some(Command::Unban { user: UserId::new("nobody") }), vec![May(P::Ban)]),
            (Act::Ban(None), Some(Command::Ban { user: UserId::new("nobody"), reason: None }), vec![May(P::Ban)]),
            (Act::SeeInvites, None, vec![May(P::ManageInvites)]),
            (Act::Schedule, None, vec![May(P::Schedule)]),
            (Act::Leave, Some(Command::Leave), vec![Depart, Community]),
        ]
    }

    fn of_channel(&self, index: usize) -> Vec<(Act<'_>, Option<Command>, Vec<Need>)> {
        use Need::{May, See};
        use Permission as P;
        let channel = self.channel(index);
        let (id, change) = (channel.id.clone(), ChannelChange::default());
        let manage = vec![See(index), May(P::ManageChannels)];
        vec![
            (Act::Read(channel), None, vec![See(index)]),
            (Act::Connect(channel), None, vec![See(index), May(P::Connect)]),
            (Act::MuteMembers(channel), None, vec![See(index), May(P::MuteMembers)]),
            (Act::ChangeChannel(channel), Some(Command::UpdateChannel { channel: id.clone(), change }), manage.clone()),
            (Act::ChangeChannel(channel), Some(Command::DeleteChannel { channel: id }), manage),
        ]
    }

    fn of_role(&self, index: usize, bits: u32, to: u32) -> Vec<(Act<'_>, Option<Command>, Vec<Need>)> {
        use Need::{Deletable, Hold, May, Over};
        use Permission as P;
        let (role, (kind, own_bits, rank)) = (self.role(index), self.shape.roles[index]);
        let permissions = Permissions::from_bits(bits).unwrap();
        let update = Command::UpdateRole { role: role.id.clone(), name: None, color: None, permissions: Some(permissions), rank: Some(to) };
        let create = Command::CreateRole { name: "r".to_owned(), color: None, permissions, rank: to };
        let invite = NewInvite { role: Some(role.id.clone()), ttl: None, max_uses: None };
        let invited = match kind {
            RoleKind::Member | RoleKind::Guest => vec![May(P::Invite), Hold(own_bits)],
            RoleKind::Admin | RoleKind::Moderator | RoleKind::Custom => {
                vec![May(P::Invite), May(P::ManageRoles), Over(rank), Hold(own_bits)]
            }
        };
        vec![
            (Act::AddRole { rank: to, permissions }, Some(create), vec![May(P::ManageRoles), Over(to), Hold(bits)]),
            (Act::ChangeRole { role, rank: to, permissions }, Some(update), vec![May(P::ManageRoles), Over(rank), Over(to), Hold(bits)]),
            (
                Act::RemoveRole(role),
                Some(Command::DeleteRole { role: role.id.clone() }),
                vec![May(P::ManageRoles), Over(rank), Deletable(index)],
            ),
            (Act::Invite { role }, Some(Command::CreateInvite(invite)), invited),
        ]
    }

    fn of_member<'a>(
        &'a self,
        who: Option<usize>,
        index: usize,
        given: &'a [RoleId],
        mask: usize,
    ) -> Vec<(Act<'a>, Option<Command>, Vec<Need>)> {
        use Need::{Community, Hold, May, Outrank, Over, Spare};
        use Permission as P;
        let Some(member) = self.members.get(&user(index).id) else { return vec![] };
        let (id, is_self) = (member.user.id.clone(), who == Some(index));
        let rename = Command::UpdateMember { user: id.clone(), nickname: Some(None), roles: None };
        let nothing = Command::UpdateMember { user: id.clone(), nickname: None, roles: None };
        let renamed = if is_self { vec![Community] } else { vec![May(P::ManageNicknames), Outrank(index)] };
        let mut assigned = vec![May(P::ManageRoles)];
        if !is_self {
            assigned.push(Outrank(index));
        }
        let had = self.shape.members[index].unwrap_or_default();
        for role in (0..ROLES).filter(|role| mask & !had & (1 << role) != 0) {
            assigned.extend([Over(self.shape.roles[role].2), Hold(self.shape.roles[role].1)]);
        }
        assigned.extend((0..ROLES).filter(|role| had & !mask & (1 << role) != 0).map(|role| Over(self.shape.roles[role].2)));
        let assign = Command::UpdateMember { user: id.clone(), nickname: None, roles: Some(given.to_vec()) };
        let ban = Command::Ban { user: id.clone(), reason: None };
        vec![
            (Act::Rename(member), Some(rename), renamed.clone()),
            (Act::Rename(member), Some(nothing), renamed),
            (Act::Assign { member, roles: given }, Some(assign), assigned),
            (Act::Kick(member), Some(Command::Kick { user: id.clone() }), vec![May(P::Kick), Outrank(index), Spare(index)]),
            (Act::Ban(Some(member)), Some(ban), vec![May(P::Ban), Outrank(index), Spare(index)]),
            (Act::HandOver, Some(Command::HandOver { to: id }), vec![Need::Own]),
        ]
    }

    /// Whatever is asked by whom: the table, the decision and the model say the same.
    fn check(&self, mask: usize, bits: u32, to: u32) {
        let given: Vec<RoleId> = (0..ROLES).filter(|role| mask & (1 << role) != 0).map(|role| self.role(role).id.clone()).collect();
        let people = (0..USERS).filter(|index| self.shape.members[*index].is_some()).map(Some);
        for who in people.chain([None]) {
            let mut asked = self.of_server();
            asked.extend((0..CHANNELS).flat_map(|channel| self.of_channel(channel)));
            asked.extend((0..ROLES).flat_map(|role| self.of_role(role, bits, to)));
            asked.extend((0..USERS).flat_map(|index| self.of_member(who, index, &given, mask)));
            for (act, command, needs) in asked {
                let expected = self.shape.verdict(who, &needs);
                assert_eq!(self.may(who, act), expected, "{who:?} {act:?} {needs:?}");
                if let Some(command) = command {
                    let decided = self.decide(who, command.clone(), Fetched::default());
                    assert_eq!(verdict(&decided), expected, "{who:?} {command:?} {needs:?}");
                }
            }
            self.check_entries(who);
        }
    }

    /// Invitations and calendars: one's own, somebody's, and those of a backend.
    fn check_entries(&self, who: Option<usize>) {
        use Need::{May, Person};
        use Permission as P;
        let new = || NewSchedule {
            title: "t".to_owned(),
            description: String::new(),
            starts_at: NOW,
            ends_at: None,
            color: None,
            remind_before: None,
        };
        let created = self.decide(who, Command::CreateSchedule(new()), Fetched::default());
        assert_eq!(verdict(&created), self.shape.verdict(who, &[May(P::Schedule), Person]));
        for creator in 0..USERS {
            let is_own = who == Some(creator);
            let (invite, schedule) = (self.invite(Some(creator)), self.schedule(creator));
            let revoke = self.shape.verdict(who, &[May(if is_own { P::Invite } else { P::ManageInvites })]);
            let change = self.shape.verdict(who, &[May(if is_own { P::Schedule } else { P::ManageSchedules })]);
            assert_eq!(self.may(who, Act::Revoke(&invite)), revoke);
            assert_eq!(self.may(who, Act::ChangeSchedule(&schedule)), change);
            let fetched = Fetched { invite: Some(invite.clone()), schedule: Some(schedule.clone()), ..Fetched::default() };
            let decide = |command| verdict(&self.decide(who, command, fetched.clone()));
            assert_eq!(decide(Command::RevokeInvite { invite: invite.id.clone() }), revoke);
            assert_eq!(decide(Command::DeleteSchedule { schedule: schedule.id.clone() }), change);
            assert_eq!(decide(Command::UpdateSchedule { schedule: schedule.id.clone(), to: new() }), change);
        }
        assert_eq!(self.may(who, Act::Revoke(&self.invite(None))), self.shape.verdict(who, &[May(P::ManageInvites)]));
    }

    /// What is another server's is answered as what is nowhere, whoever asks; and for a stranger there is nothing.
    fn check_foreign(&self, other: &Self) {
        let nowhere = Self { name: "nowhere", shape: other.shape.clone(), ..Self::new("nowhere", other.shape.clone()) };
        for who in (0..USERS).map(Some).chain([None]) {
            let commands = |of: &Self| {
                let mut asked: Vec<Command> =
                    (0..CHANNELS).flat_map(|channel| of.of_channel(channel)).filter_map(|asked| asked.1).collect();
                asked.extend((0..ROLES).filter_map(|role| of.of_role(role, 0, 0).swap_remove(1).1));
                asked.extend((0..ROLES).filter_map(|role| of.of_role(role, 0, 0).swap_remove(2).1));
                asked.extend((0..ROLES).filter_map(|role| of.of_role(role, 0, 0).swap_remove(3).1));
                asked.push(Command::DeleteCategory { category: CategoryId::new(format!("{} category", of.name)) });
                asked.push(Command::RevokeInvite { invite: of.invite(None).id });
                asked.push(Command::DeleteSchedule { schedule: of.schedule(0).id });
                asked
            };
            let is_member = who.is_none_or(|index| self.shape.members[index].is_some());
            for (foreign, unknown) in commands(other).into_iter().zip(commands(&nowhere)) {
                let answer = self.decide(who, foreign.clone(), Fetched::default());
                assert_eq!(answer, self.decide(who, unknown, Fetched::default()), "{who:?} {foreign:?}");
                if !is_member {
                    assert_eq!(answer, Err(Error::NotFound("server")));
                } else {
                    assert!(answer.is_err(), "{who:?} {foreign:?}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_table_the_decisions_and_a_model_agree_on_every_verb_of_everybody_on_everything(
        here in shape(), there in shape(), mask in 0..1usize << ROLES, bits in 0..=Permissions::all().bits(), to in 0..5u32,
    ) {
        let (here, there) = (World::new("here", here), World::new("there", there));
        here.check(mask, bits, to);
        there.check(mask, bits, to);
        here.check_foreign(&there);
    }
}

#[test]
fn whoever_comes_back_counts_as_read_what_was_before_whichever_came_last() {
    let mut world = World::new(
        "here",
        Shape {
            is_direct: false,
            owner: None,
            roles: vec![(RoleKind::Member, 0, 0); ROLES],
            members: vec![Some(0b11); USERS],
            channels: vec![Some((0b1, 0b11)); CHANNELS],
        },
    );
    let (mut channel, mut member) = (world.channel(0).clone(), world.members.remove(&user(0).id).unwrap());
    let roles = BTreeMap::from([(world.role(0).id.clone(), 5), (world.role(1).id.clone(), 7)]);
    channel.access = Access::private(BTreeMap::from([(user(0).id, 9)]), roles);
    assert_eq!(since(&member, &channel), 5, "the earliest that let it in");
    member.since.insert(channel.id.clone(), 8);
    assert_eq!(since(&member, &channel), 8, "it came later");
    channel.access.everyone = Some(12);
    assert_eq!(since(&member, &channel), 8, "it was there before everyone");
    channel.access = Access::open(12);
    assert_eq!(since(&member, &channel), 12);
}
