//! STUN that means harm: only who has the password moves a call, and without it nobody gets an answer.

mod support;

use media::{Event, Kind};
use std::net::UdpSocket;
use std::time::{Duration, Instant};
use support::flood::{Flood, received, strangers};
use support::stun::{Credentials, cut, integrity_at, with_attribute};
use support::*;

/// Waits until the SFU has taken `count` datagrams more than `before` in all.
fn taken(sfu: &Sfu, clients: &mut [Client], before: u64, count: usize) {
    assert!(step_until(clients, |_| sfu.handle.stats().packets_in >= before + count as u64));
}

fn nobody_lost(call: &Call) {
    assert!(!call.events().iter().any(|event| matches!(event, Event::Lost { .. })), "{:?}", call.events());
}

#[test]
fn guessed_users_and_passwords_get_no_reply_and_soon_no_check() {
    let sfu = Sfu::with(|config| config.limits.stun_misses_per_second = 50);
    let (call, mut clients) = pair(&sfu);
    let known = Credentials::of(&mut clients[0]).with_password("guess");
    let foreign = strangers(1);
    let before = sfu.handle.stats();
    for n in 0..1000 {
        let user = if n % 2 == 0 { known.user.clone() } else { format!("guess{n}:{}", known.user) };
        let guess = Credentials { user, ..known.clone() };
        foreign[0].send_to(&guess.check().bytes(), sfu.address()).expect("sent");
    }
    taken(&sfu, &mut clients, before.packets_in, 1000);
    talk_all(&mut clients, 10);
    assert_eq!(received(&foreign), 0);
    let after = sfu.handle.stats();
    let (unchecked, refused) = (after.dropped_stun_rate - before.dropped_stun_rate, after.dropped_stun - before.dropped_stun);
    assert_eq!(unchecked + refused, 1000);
    assert!((100..=450).contains(&unchecked), "{unchecked} unchecked");
    nobody_lost(&call);
}

#[test]
fn joins_go_on_under_a_flood_of_stun() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    let known = Credentials::of(&mut clients[0]).with_password("guess");
    // From the address that the others join from, too: they may share a NAT with whoever floods.
    let mut sockets = strangers(3);
    let neighbour = UdpSocket::bind("127.0.0.1:0").expect("bound");
    neighbour.set_nonblocking(true).expect("set");
    sockets.push(neighbour);
    let foreign: Vec<_> = sockets.iter().map(|socket| socket.try_clone().expect("cloned")).collect();
    let forged = known.check().bytes();
    let flood = Flood::start(sfu.address(), sockets, 2000, move |n| match n % 8 {
        0..4 => forged.clone(),
        _ => Credentials { user: format!("{n:016}:abcd"), password: "guess".to_owned() }.check().bytes(),
    });
    let before = sfu.handle.stats();
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let (call, start) = (sfu.call(), Instant::now());
            let mut joining = [Client::new(Shape::both(1))];
            call.join_all(&mut joining);
            (call, start.elapsed())
        })
        .collect();
    talk_all(&mut clients, 20);
    flood.stop();
    let after = sfu.handle.stats();
    assert!(after.dropped_stun_rate > before.dropped_stun_rate && after.dropped_stun > before.dropped_stun, "the flood was on");
    let slowest = calls.iter().map(|(_, took)| *took).max().expect("joined");
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    assert_eq!((received(&foreign), after.panics), (0, 0));
    nobody_lost(&call);
}

#[test]
fn who_lacks_the_password_moves_nobody_wherever_it_sends_from() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 5);
    let (of_a, of_b) = (Credentials::of(&mut clients[0]), Credentials::of(&mut clients[1]));
    let mut forged = vec![];
    for password in ["", "guess", &of_b.password] {
        let mut check = of_a.with_password(password).check();
        check.nominates = true;
        forged.push(check.bytes());
    }
    let mut check = of_a.check();
    check.nominates = true;
    let genuine = check.bytes();
    let at = integrity_at(&genuine);
    // Without integrity; with a bit of it flipped; with an attribute added that it doesn't cover; for the wrong pair of users.
    forged.push(cut(&genuine, at));
    let mut flipped = genuine.clone();
    flipped[at + 4] ^= 1;
    forged.push(flipped);
    forged.push(with_attribute(&genuine, 0x8022, b"zzan"));
    let theirs = of_b.user.split_once(':').expect("two fragments").1;
    let ours = of_a.user.split_once(':').expect("two fragments").0;
    forged.push(Credentials { user: format!("{ours}:{theirs}"), ..of_a.clone() }.check().bytes());
    let foreign = strangers(2);
    let before = sfu.handle.stats();
    for message in &forged {
        for socket in foreign.iter().chain([&clients[1].socket, &clients[0].socket]) {
            socket.send_to(message, sfu.address()).expect("sent");
        }
    }
    taken(&sfu, &mut clients, before.packets_in, forged.len() * 4);
    let (a, b) = (clients[0].got.len(), clients[1].got.len());
    talk_all(&mut clients, 20);
    assert!(clients[0].got[a..].iter().chain(&clients[1].got[b..]).count() >= 80, "each still gets the other's media");
    assert_eq!(received(&foreign), 0);
    nobody_lost(&call);
}

#[test]
fn a_check_that_was_read_on_the_way_draws_nothing_elsewhere() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    clients[0].keep_sent = true;
    let mut own = Credentials::of(&mut clients[0]).check();
    own.nominates = true;
    let own = own.bytes();
    clients[0].socket.send_to(&own, sfu.address()).expect("sent");
    talk_all(&mut clients, 10);
    let mut caught: Vec<_> = clients[0].sent.iter().filter(|sent| sent[0] == 0).cloned().collect();
    caught.push(own);
    let foreign = strangers(2);
    let before = sfu.handle.stats();
    for _ in 0..20 {
        for check in &caught {
            for stranger in &foreign {
                stranger.send_to(check, sfu.address()).expect("sent");
            }
        }
    }
    taken(&sfu, &mut clients, before.packets_in, 40 * caught.len());
    let got = clients[0].got.len();
    talk_all(&mut clients, 30);
    assert!(clients[0].got.len() >= got + 60);
    assert_eq!(received(&foreign), 0);
    nobody_lost(&call);
}

#[test]
fn huge_many_and_misplaced_attributes_are_dropped_unread() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    let genuine = Credentials::of(&mut clients[0]).check().bytes();
    let mut many = genuine.clone();
    (0..40).for_each(|_| many = with_attribute(&many, 0x8022, b""));
    let bad = [
        with_attribute(&genuine, 0x8022, &[b'x'; 1200]),
        many,
        with_attribute(&genuine, 0x0001, b""),
        with_attribute(&genuine, 0x000a, b""),
        with_attribute(&genuine, 0x8023, b""),
        with_attribute(&genuine, 0x0006, &[b'u'; 600]),
    ];
    let foreign = strangers(1);
    let before = sfu.handle.stats();
    for _ in 0..50 {
        for message in &bad {
            foreign[0].send_to(message, sfu.address()).expect("sent");
        }
    }
    taken(&sfu, &mut clients, before.packets_in, 300);
    talk_all(&mut clients, 10);
    let after = sfu.handle.stats();
    assert_eq!((after.dropped_stun - before.dropped_stun, after.dropped_stun_rate), (300, before.dropped_stun_rate));
    assert_eq!((received(&foreign), after.panics), (0, 0));
    nobody_lost(&call);
}

#[test]
fn a_client_that_claims_the_other_role_harms_at_most_its_own_call() {
    let sfu = Sfu::start();
    let (_call, mut clients) = pair(&sfu);
    let (bystanders, mut others) = pair(&sfu);
    talk_all(&mut clients, 5);
    talk_all(&mut others, 5);
    let own = Credentials::of(&mut clients[0]);
    let before = sfu.handle.stats();
    for tie_breaker in [0, u64::MAX, 1] {
        for nominates in [true, false] {
            let mut check = own.check();
            (check.controlling, check.tie_breaker, check.nominates) = (false, tie_breaker, nominates);
            clients[0].socket.send_to(&check.bytes(), sfu.address()).expect("sent");
        }
    }
    taken(&sfu, &mut clients, before.packets_in, 6);
    step_for(&mut clients, Duration::from_millis(200), |_, _| {});
    talk_all(&mut others, 20);
    talk_all(&mut clients, 20);
    assert_eq!(sfu.handle.stats().panics, 0);
    nobody_lost(&bystanders);
}

#[test]
fn a_peer_has_eight_addresses_at_most_and_gets_new_ones_slowly() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 5);
    let own = Credentials::of(&mut clients[0]);
    let sockets: Vec<_> = (0..40)
        .map(|_| {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("bound");
            socket.set_read_timeout(Some(LIMIT)).expect("set");
            socket
        })
        .collect();
    let before = sfu.handle.stats();
    // The first is the one that the client connected from.
    for socket in &sockets[..31] {
        socket.send_to(&own.check().bytes(), sfu.address()).expect("sent");
        socket.recv(&mut [0; 500]).expect("an answer");
    }
    for socket in &sockets[31..] {
        socket.send_to(&own.check().bytes(), sfu.address()).expect("sent");
    }
    assert!(step_until(&mut clients, |_| sfu.handle.stats().dropped_tuple_rate >= 8));
    assert!(sfu.handle.stats().dropped_tuple_rate <= 9);
    for socket in &sockets {
        socket.set_nonblocking(true).expect("set");
    }
    assert!(received(&sockets[31..]) < 300, "at most one, had 5 s passed");
    // What isn't among the eight may not even send DTLS.
    let unvalidated = sfu.handle.stats().dropped_unvalidated;
    let dtls = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0];
    for socket in &sockets[..31] {
        socket.send_to(&dtls, sfu.address()).expect("sent");
    }
    taken(&sfu, &mut clients, before.packets_in, 40 + 31);
    assert!(step_until(&mut clients, |_| sfu.handle.stats().dropped_unvalidated >= unvalidated + 23));
    // The client's next check makes its address one of the eight again, however many it had in between.
    clients[0].socket.send_to(&own.check().bytes(), sfu.address()).expect("sent");
    talk_all(&mut clients, 20);
    nobody_lost(&call);
}

#[test]
fn a_peer_sends_sixteen_ssrcs_at_most_between_two_offers() {
    let sfu = Sfu::start();
    let (call, mut clients) = pair(&sfu);
    talk_all(&mut clients, 5);
    let before = sfu.handle.stats();
    let change = |clients: &mut [Client]| {
        clients[0].change_ssrc(Kind::Audio);
        let rtp_in = sfu.handle.stats().rtp_in;
        assert!(step_until(clients, |clients| {
            clients[0].send_audio(-30);
            sfu.handle.stats().rtp_in > rtp_in
        }));
    };
    // Two are in use: audio and video.
    (0..14).for_each(|_| change(&mut clients));
    assert_eq!(sfu.handle.stats().dropped_ssrc_limit, before.dropped_ssrc_limit);
    (0..10).for_each(|_| change(&mut clients));
    assert!(sfu.handle.stats().dropped_ssrc_limit >= before.dropped_ssrc_limit + 10);
    let (heard, seen) = (clients[1].slot(Kind::Audio, 0), clients[1].slot(Kind::Video, 0));
    let (audio, video) = (clients[1].got_on(heard).count(), clients[1].got_on(seen).count());
    assert!(talk_until(&mut clients, |clients| clients[1].got_on(seen).count() >= video + 20), "what was known goes on");
    assert_eq!(clients[1].got_on(heard).count(), audio, "what is too many doesn't");
    nobody_lost(&call);
}
