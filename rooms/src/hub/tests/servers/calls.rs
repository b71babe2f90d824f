//! Calls of voice channels: one per channel, told to those who read it, and left by whoever may be there no more.

use super::*;

impl Club {
    async fn call(&self, client: &Client) -> Result<RoomId> {
        let room = self.bench.hub.open_call(&client.session, &self.voice).await?;
        self.enter(client, &room).await.map(|_| room)
    }

    async fn enter(&self, client: &Client, room: &RoomId) -> Result<Joined> {
        self.bench.hub.join(&client.session, JoinRoom { room: room.clone(), password: None, offer: None, part: Part::Person }).await
    }

    async fn in_call(&self, room: &RoomId) -> Vec<String> {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let view = self.bench.hub.room(room).await;
        view.map_or(vec![], |view| view.participants.into_iter().map(|person| person.name).collect())
    }
}

/// Who was told to be in calls, in order.
fn calls(events: Vec<Event>) -> Vec<Vec<String>> {
    let people = |event| if let Event::VoiceChanged { people, .. } = event { Some(people) } else { None };
    events.into_iter().filter_map(people).map(|people| people.into_iter().map(|person| person.name).collect()).collect()
}

#[tokio::test(start_paused = true)]
async fn all_who_call_at_once_are_in_one_room_and_the_readers_are_told_who() {
    let mut club = Club::start().await;
    let (bob, mut cho) = (club.member("bob").await, club.member("cho").await);
    let (first, second) = tokio::join!(club.call(&club.ann), club.call(&bob));
    let room = first.unwrap();
    assert_eq!(second.unwrap(), room);
    assert_eq!(calls(club.heard(&mut cho).await).last().unwrap().len(), 2);
    let late = club.member("dan").await;
    let view = club.bench.hub.servers(&late.session).await.unwrap().remove(0);
    assert_eq!(view.voices.iter().map(|(channel, people)| (channel, people.len())).collect::<Vec<_>>(), [(&club.voice, 2)]);
    for client in [&club.ann, &bob] {
        club.bench.hub.leave(&client.session.id, &room).await.unwrap();
    }
    assert_eq!(calls(club.heard(&mut cho).await).last().unwrap().len(), 0);
    tokio::time::sleep(Config::default().empty_ttl * 2).await;
    assert_eq!(club.enter(&bob, &room).await.map(drop), Err(Error::NotFound("room")));
    let next = club.call(&bob).await.unwrap();
    assert_ne!(next, room);
    assert_eq!(calls(club.heard(&mut cho).await), [["bob"]]);
    assert_eq!(club.in_call(&next).await, ["bob"]);
    club.ann.told();
}

#[tokio::test(start_paused = true)]
async fn a_call_seats_as_many_as_its_channel_says_and_only_who_may_connect() {
    let club = Club::start().await;
    let change = ChannelChange { capacity: Some(2), ..ChannelChange::default() };
    club.done(Command::UpdateChannel { channel: club.voice.clone(), change }).await;
    let (bob, cho) = (club.member("bob").await, club.member("cho").await);
    let room = club.call(&club.ann).await.unwrap();
    club.call(&bob).await.unwrap();
    assert_eq!(club.call(&cho).await, Err(Error::RoomFull));
    let stranger = club.bench.client("dan");
    assert_eq!(club.enter(&stranger, &room).await.map(drop), Err(Error::NotFound("room")));
    let text = club.bench.hub.open_call(&bob.session, &club.text).await;
    assert!(matches!(text, Err(Error::Invalid { field: "channel", .. })), "{text:?}");
    club.bench.hub.leave(&bob.session.id, &room).await.unwrap();
    club.done(assign("cho", &[])).await;
    let refused = club.call(&cho).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    assert!(matches!(club.enter(&cho, &room).await, Err(Error::Forbidden(_))), "nor by the room's id");
}

#[tokio::test(start_paused = true)]
async fn whoever_may_be_in_a_call_no_more_is_out_of_it() {
    let club = Club::start().await;
    let bobs_roles = |roles: &[RoleId]| assign("bob", roles);
    let public = || restrict(&club.voice, None);
    for (why, command) in [
        ("connects no more", bobs_roles(&[])),
        ("reads it no more", restrict(&club.voice, Some(Private::default()))),
        ("is kicked", kick("bob")),
    ] {
        let mut bob = club.member("bob").await;
        let room = club.call(&club.ann).await.unwrap();
        club.call(&bob).await.unwrap();
        assert_eq!(club.in_call(&room).await, ["ann", "bob"]);
        bob.told();
        club.done(command).await;
        assert_eq!(club.in_call(&room).await, ["ann"], "bob {why}");
        let told = bob.told();
        assert_eq!(told.iter().filter(|event| matches!(event, Event::RoomClosed { .. })).count(), 1, "bob {why}: {told:?}");
        assert!(club.call(&bob).await.is_err(), "bob {why}");
        club.done(public()).await;
        if why != "is kicked" {
            club.done(kick("bob")).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_call_of_a_deleted_channel_or_server_ends_for_all() {
    for whole in [true, false] {
        let club = Club::start().await;
        let mut bob = club.member("bob").await;
        let room = club.call(&club.ann).await.unwrap();
        club.call(&bob).await.unwrap();
        let command = if whole { Command::DeleteServer } else { Command::DeleteChannel { channel: club.voice.clone() } };
        club.done(command).await;
        assert_eq!(club.in_call(&room).await, [""; 0]);
        assert!(bob.told().iter().any(|event| matches!(event, Event::RoomClosed { .. })));
        assert_eq!(club.enter(&bob, &room).await.map(drop), Err(Error::NotFound("room")));
        assert_eq!(club.bench.hub.node.communities.counts()[3], 0, "no call is left");
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_let_in_learns_who_is_in_the_call() {
    let club = Club::start().await;
    let mut bob = club.member("bob").await;
    club.done(restrict(&club.voice, Some(Private::default()))).await;
    club.heard(&mut bob).await;
    club.call(&club.ann).await.unwrap();
    assert_eq!(calls(club.heard(&mut bob).await), [[""; 0]; 0], "not seen");
    club.done(restrict(&club.voice, Some(only("bob")))).await;
    let told = club.heard(&mut bob).await;
    assert!(matches!(told[..], [Event::ChannelCreated { .. }, Event::VoiceChanged { .. }]), "{told:?}");
    assert_eq!(calls(told), [["ann"]]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_comes_back_knows_who_is_in_its_calls() {
    let club = Club::start().await;
    club.call(&club.ann).await.unwrap();
    // Somebody else listened last; whoever calls goes on calling.
    club.bench.hub.ended_in_servers(&club.ann.session.id).await;
    tokio::time::sleep(Duration::from_secs(301)).await;
    assert_eq!(club.bench.hub.node.communities.counts()[0], 0, "unloaded");
    let mut ann = club.device("ann").await;
    let seen = club.bench.hub.servers(&ann.session).await.unwrap().remove(0).voices;
    let told = calls(club.heard(&mut ann).await);
    assert!(seen.iter().any(|(_, people)| people.len() == 1) || told == [["ann"]], "{seen:?} {told:?}");
}
