//! What is unread, through the hub: on all devices the same, and nothing of what was before.

use super::*;
use crate::view::Unread;

impl Club {
    /// Head, read, unread of a channel, as the member has it.
    async fn unread(&self, client: &Client, channel: &ChannelId) -> (u64, u64, u64) {
        let all = self.bench.hub.unread(&client.session, &self.id).await.unwrap();
        let Unread { head, read, unread, .. } = all.into_iter().find(|unread| unread.channel == *channel).unwrap();
        (head, read, unread)
    }

    async fn say_many(&self, client: &Client, channel: &ChannelId, count: usize) {
        for _ in 0..count {
            self.say(client, channel).await.unwrap();
        }
    }
}

fn changes(events: Vec<Event>) -> Vec<(u64, u64)> {
    let unread = |event| if let Event::UnreadChanged { unread } = event { Some((unread.read, unread.unread)) } else { None };
    events.into_iter().filter_map(unread).collect()
}

#[tokio::test(start_paused = true)]
async fn two_devices_of_one_user_agree() {
    let mut club = Club::start().await;
    let (mut bob, mut phone) = (club.member("bob").await, club.device("bob").await);
    club.say_many(&club.ann, &club.text, 5).await;
    assert_eq!(club.unread(&bob, &club.text).await, (5, 0, 5));
    let read = club.bench.hub.mark_read(&bob.session, &club.text, 3).await.unwrap();
    assert_eq!((read.read, read.unread), (3, 2));
    for device in [&mut bob, &mut phone] {
        assert_eq!(changes(club.heard(device).await), [(3, 2)]);
    }
    club.bench.hub.mark_read(&phone.session, &club.text, 2).await.unwrap();
    assert_eq!(changes(club.heard(&mut bob).await), [(3, 2)], "a stale device takes nothing back");
    club.bench.hub.mark_unread(&phone.session, &club.text, 2).await.unwrap();
    assert_eq!(changes(club.heard(&mut bob).await), [(1, 4)]);
    assert_eq!(club.unread(&bob, &club.text).await, club.unread(&phone, &club.text).await);
    assert_eq!(changes(club.ann.told()), [], "nobody else's affair");
}

#[tokio::test(start_paused = true)]
async fn what_was_written_before_somebody_came_is_read_whenever_it_comes() {
    let club = Club::start().await;
    club.say_many(&club.ann, &club.text, 4).await;
    let bob = club.member("bob").await;
    assert_eq!(club.unread(&bob, &club.text).await, (4, 4, 0));
    club.say_many(&club.ann, &club.text, 2).await;
    assert_eq!(club.unread(&bob, &club.text).await, (6, 4, 2));
    club.bench.hub.command(&bob.session, &club.id, Command::Leave).await.unwrap();
    club.say_many(&club.ann, &club.text, 3).await;
    let bob = club.member("bob").await;
    assert_eq!(club.unread(&bob, &club.text).await, (9, 9, 0), "it came back");
    let secret = club.channel(Some(Private::default())).await;
    club.say_many(&club.ann, &secret, 3).await;
    club.done(restrict(&secret, Some(only("bob")))).await;
    assert_eq!(club.unread(&bob, &secret).await, (3, 3, 0), "let in later");
    club.say_many(&club.ann, &secret, 1).await;
    club.done(restrict(&secret, Some(only("bob")))).await;
    assert_eq!(club.unread(&bob, &secret).await, (4, 3, 1), "listed again is not let in again");
    let role = club.role(&[Permission::ManageChannels]).await;
    let hidden = club.channel(Some(Private::default())).await;
    club.say_many(&club.ann, &hidden, 2).await;
    club.done(assign("bob", &[role])).await;
    assert_eq!(club.unread(&bob, &hidden).await, (2, 2, 0), "who manages channels sees it");
    let cho = club.member("cho").await;
    let party = club.bench.hub.servers(&cho.session).await.unwrap()[0].me.roles[0].clone();
    let permissions = Some(Permissions::of(&[Permission::Send, Permission::ManageChannels]));
    let empower = Command::UpdateRole { role: party, name: None, color: None, permissions, rank: None };
    club.done(empower).await;
    assert_eq!(club.unread(&cho, &hidden).await, (2, 2, 0), "and so does who has a role that does from now on");
    let dan = club.member("dan").await;
    club.done(assign("dan", &[])).await;
    club.say_many(&club.ann, &hidden, 1).await;
    club.done(Command::HandOver { to: UserId::new("dan") }).await;
    assert_eq!(club.unread(&dan, &hidden).await, (3, 3, 0), "and a new owner");
    assert_eq!(club.unread(&cho, &hidden).await, (3, 2, 1));
}

#[tokio::test(start_paused = true)]
async fn own_and_deleted_messages_are_unread_by_nobody() {
    let club = Club::start().await;
    let bob = club.member("bob").await;
    club.say_many(&club.ann, &club.text, 2).await;
    club.say_many(&bob, &club.text, 1).await;
    assert_eq!(club.unread(&bob, &club.text).await, (3, 3, 0), "whoever writes has read");
    assert_eq!(club.unread(&club.ann, &club.text).await, (3, 2, 1));
    club.say_many(&club.ann, &club.text, 3).await;
    club.bench.hub.delete(&club.ann.session, &club.text, 5).await.unwrap();
    assert_eq!(club.unread(&bob, &club.text).await, (6, 3, 2));
    let late = club.device("bob").await;
    assert_eq!(club.unread(&late, &club.text).await, (6, 3, 2), "after a new login too");
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_is_opened_to_everyone_stays_unread_for_those_who_were_in_it() {
    let club = Club::start().await;
    let (bob, cho, dan, eve) = (club.member("bob").await, club.member("cho").await, club.member("dan").await, club.member("eve").await);
    let (friends, managers) = (club.role(&[]).await, club.role(&[Permission::ManageChannels]).await);
    club.done(assign("cho", std::slice::from_ref(&friends))).await;
    club.done(assign("dan", &[managers])).await;
    let secret = club.channel(Some(Private { users: vec![UserId::new("bob")], roles: vec![friends.clone()] })).await;
    club.say_many(&club.ann, &secret, 3).await;
    club.bench.hub.mark_read(&bob.session, &secret, 1).await.unwrap();
    club.done(restrict(&secret, None)).await;
    for (member, unread) in [(&bob, (3, 1, 2)), (&cho, (3, 0, 3)), (&dan, (3, 0, 3)), (&eve, (3, 3, 0))] {
        assert_eq!(club.unread(member, &secret).await, unread, "{:?}", member.session.user);
    }
    club.say_many(&club.ann, &secret, 1).await;
    assert_eq!(club.unread(&club.member("fay").await, &secret).await, (4, 4, 0));
    club.done(assign("eve", &[friends])).await;
    assert_eq!(club.unread(&eve, &secret).await, (4, 3, 1), "a role that was let in earlier shows nothing twice");
    club.done(restrict(&secret, Some(only("bob")))).await;
    assert_eq!(club.unread(&bob, &secret).await, (4, 1, 3), "and closed again");
}
