//! How members are seen over several sessions, losses and graces.

use super::*;

fn seconds(seconds: u64) -> Option<SystemTime> {
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

#[test]
fn who_comes_is_online_and_who_ends_its_last_session_is_gone_at_once() {
    let mut bench = Bench::new(2);
    bench.listen("a", 0);
    bench.pass(GATHER);
    assert_eq!(told(&bench.listen("b", 1), "a"), [("u1".to_owned(), Presence::Online)]);
    assert_eq!(told(&bench.listen("b2", 1), "a"), [], "nothing new");
    bench.pass(Duration::from_secs(4));
    let (user, ended) = (person(1).id, |id: &str| SessionId::new(id));
    let first = bench.step(|server, moment, out| server.unlisten(moment, &ended("b"), &user, out)).1;
    assert_eq!(told(&first, "a"), [], "it has another session");
    let second = bench.step(|server, moment, out| server.unlisten(moment, &ended("b2"), &user, out)).1;
    assert_eq!(told(&second, "a"), [("u1".to_owned(), Presence::Offline)]);
    assert_eq!(bench.presence(1), (Presence::Offline, seconds(5)));
}

#[test]
fn a_closed_connection_has_a_grace_and_a_silent_one_had_it_already() {
    let mut bench = Bench::new(2);
    bench.listen("a", 0);
    bench.listen("b", 1);
    bench.pass(GATHER);
    let (user, id) = (person(1).id, SessionId::new("b"));
    let lose = |bench: &mut Bench, loss| bench.step(|server, moment, out| server.connection(moment, &id, &user, loss, out)).1;
    assert_eq!(told(&lose(&mut bench, Some(Loss::Closed)), "a"), []);
    assert_eq!(told(&bench.pass(Duration::from_millis(1_999)), "a"), []);
    assert_eq!(told(&lose(&mut bench, None), "a"), [], "a refresh is seen by nobody");
    assert_eq!(told(&bench.pass(Duration::from_secs(10)), "a"), []);
    lose(&mut bench, Some(Loss::Closed));
    assert_eq!(told(&bench.pass(GRACE), "a"), [("u1".to_owned(), Presence::Offline)]);
    assert_eq!(bench.presence(1).1, Some(bench.moment().at));
    assert_eq!(bench.server.next_deadline(), None);
    bench.pass(GATHER);
    assert_eq!(told(&lose(&mut bench, None), "a"), [("u1".to_owned(), Presence::Online)], "it came back all the same");
    assert_eq!(bench.presence(1), (Presence::Online, None));
    bench.pass(GATHER);
    let at = bench.moment().at;
    assert_eq!(told(&lose(&mut bench, Some(Loss::Silent)), "a"), [("u1".to_owned(), Presence::Offline)]);
    assert_eq!(bench.presence(1), (Presence::Offline, Some(at)), "when it was told to be gone");
}

#[test]
fn a_lost_session_beside_a_living_one_has_no_deadline_for_ever() {
    let mut bench = Bench::new(2);
    bench.listen("a", 0);
    bench.listen("b", 1);
    bench.listen("b2", 1);
    bench.pass(GATHER);
    let (user, id) = (person(1).id, SessionId::new("b"));
    bench.step(|server, moment, out| server.connection(moment, &id, &user, Some(Loss::Closed), out));
    assert_eq!(told(&bench.pass(Duration::from_secs(10)), "a"), []);
    assert_eq!(bench.server.next_deadline(), None);
    assert_eq!(bench.presence(1).0, Presence::Online);
}

#[test]
fn who_is_idle_on_all_sessions_is_idle_and_a_chosen_status_says_more() {
    let mut bench = Bench::new(2);
    bench.listen("a", 0);
    bench.listen("b", 1);
    bench.listen("b2", 1);
    bench.pass(GATHER);
    let user = person(1).id;
    let idle = |bench: &mut Bench, id: &str, idle| {
        let told_all = bench.gathered(|server, moment, out| server.set_idle(moment, &SessionId::new(id), &user, idle, out));
        told(&told_all, "a").pop().map(|(_, presence)| presence)
    };
    assert_eq!(idle(&mut bench, "b", Idle::Yes), None);
    assert_eq!(idle(&mut bench, "b2", Idle::Yes), Some(Presence::Idle));
    assert_eq!(idle(&mut bench, "b", Idle::No), Some(Presence::Online));
    let user = person(1).id;
    let status = |bench: &mut Bench, status| {
        let told_all = bench.gathered(|server, moment, out| server.set_status(moment, &user, status, out));
        told(&told_all, "a").pop().map(|(_, presence)| presence)
    };
    assert_eq!(status(&mut bench, Status::Busy), Some(Presence::Busy));
    assert_eq!(status(&mut bench, Status::Busy), None);
    assert_eq!(status(&mut bench, Status::Away), Some(Presence::Away));
    assert_eq!(bench.listen("b3", 1).len(), 0, "what another session says now, not what the store said when it came");
    assert_eq!(status(&mut bench, Status::Auto), Some(Presence::Online));
    let stranger = UserId::new("nobody");
    let (_, out) = bench.step(|server, moment, out| server.set_status(moment, &stranger, Status::Busy, out));
    assert!(out.is_empty());
}

#[test]
fn a_thousand_who_go_at_once_are_told_of_in_a_few_events_and_one_alone_at_once() {
    const PEOPLE: usize = 1_001;
    let mut bench = Bench::new(PEOPLE);
    (0..PEOPLE).for_each(|user| drop(bench.listen(&format!("s{user}"), user)));
    bench.pass(GATHER * 4);
    let mut told_of = vec![];
    for user in 1..PEOPLE {
        let (user, id) = (person(user).id, SessionId::new(format!("s{user}")));
        told_of.extend(bench.step(|server, moment, out| server.connection(moment, &id, &user, Some(Loss::Silent), out)).1);
    }
    assert_eq!(told(&told_of, "s0"), [("u1".to_owned(), Presence::Offline)]);
    told_of.extend(bench.pass(GATHER * 3));
    assert_eq!(told_of.len(), 1 + 2);
    let gone: BTreeSet<String> = told(&told_of, "s0").into_iter().map(|(user, _)| user).collect();
    assert_eq!((gone.len(), bench.server.next_deadline()), (PEOPLE - 1, None));
}

#[test]
fn whoever_comes_back_before_it_was_told_to_be_gone_is_told_of_only_where_a_list_said_so() {
    for listed in [false, true] {
        let mut bench = Bench::new(3);
        (0..3).for_each(|user| drop(bench.listen(&format!("s{user}"), user)));
        bench.pass(GATHER * 2);
        let (user, id) = (person(1).id, SessionId::new("s1"));
        bench.step(|server, moment, out| server.set_status(moment, &person(2).id, Status::Busy, out));
        bench.step(|server, moment, out| server.connection(moment, &id, &user, Some(Loss::Silent), out));
        assert_eq!(bench.presence(1).0, Presence::Offline, "as it is, told or not");
        if listed {
            bench.server.members();
        }
        bench.step(|server, moment, out| server.connection(moment, &id, &user, None, out));
        let expected = if listed { vec![("u1".to_owned(), Presence::Online)] } else { vec![] };
        assert_eq!(told(&bench.pass(GATHER * 2), "s0"), expected);
    }
}

#[test]
fn who_goes_again_within_the_second_was_seen_last_when_it_went_last() {
    let mut bench = Bench::new(2);
    (0..2).for_each(|user| drop(bench.listen(&format!("s{user}"), user)));
    bench.pass(GATHER);
    let (user, id) = (person(1).id, SessionId::new("s1"));
    let mut seen = None;
    for loss in [Some(Loss::Silent), None, Some(Loss::Silent)] {
        let told_all = bench.step(|server, moment, out| server.connection(moment, &id, &user, loss, out)).1;
        for output in told_all.iter().chain(&bench.pass(Duration::from_millis(300))) {
            let Event::PresenceChanged { presences, .. } = &*output.event else { continue };
            seen = presences.last().map(|one| (one.presence, one.last_seen));
        }
    }
    let told_all = bench.pass(GATHER);
    let Event::PresenceChanged { presences, .. } = &*told_all.last().unwrap().event else { panic!("{told_all:?}") };
    let last = presences.last().map(|one| (one.presence, one.last_seen));
    assert_eq!((last, last != seen), (Some(bench.presence(1)), true));
}
