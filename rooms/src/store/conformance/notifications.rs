//! What [`NotificationStore`](crate::store::NotificationStore) promises.

use super::{at_once, millis, user};
use crate::store::{About, INBOX_MAX, Inbox, Invitation, NewNotification, Notice, Notification, Notified, Place, Reading, Seek, Store};
use crate::{ChannelId, NotificationId, RoomId, ScheduleId, ServerId, UserId};
use std::sync::Arc;

fn notice(title: &str) -> About {
    About::Backend(Notice { title: title.to_owned(), body: "주문이 나갔어요 🍶\n\"짠\"".to_owned(), url: None, data: None })
}

fn new(owner: &str, key: &str, about: About) -> NewNotification {
    let id = NotificationId::new(format!("ntf {owner} {key}"));
    NewNotification { id, user: UserId::new(owner), key: key.to_owned(), about, at: millis(7) }
}

fn kept(notified: Notified) -> Notification {
    match notified {
        Notified::New(notification) => notification,
        Notified::Known(_) | Notified::Forgotten => panic!("{notified:?}"),
    }
}

async fn keep(store: &dyn Store, owner: &str, key: &str) -> Notification {
    kept(store.notify(new(owner, key, notice(key))).await.unwrap())
}

async fn seqs(store: &dyn Store, owner: &str, seek: Seek, limit: u32) -> (Vec<u64>, bool, bool, u64) {
    let Inbox { notifications, more, newer, head } = store.notifications(&UserId::new(owner), seek, limit).await.unwrap();
    (notifications.iter().map(|notification| notification.seq).collect(), more, newer, head)
}

/// An inbox from which the oldest went, and one of which something is read.
pub(super) async fn fill(store: &dyn Store) {
    for key in 0..INBOX_MAX + 3 {
        keep(store, "full", &key.to_string()).await;
    }
    for key in ["1", "2", "3"] {
        keep(store, "reader", key).await;
    }
    assert!(store.read_notifications(&UserId::new("reader"), &Reading::UpTo(2), millis(8)).await.unwrap());
}

/// What [`fill`] made: each inbox, and what becomes of keys that are known.
pub(super) async fn of_all_users(store: &dyn Store) -> Vec<(Inbox, u64, [Notified; 2])> {
    let mut found = vec![];
    for owner in ["full", "reader"] {
        let inbox = store.notifications(&UserId::new(owner), Seek::Newest, 1_000).await.unwrap();
        let again = ["1", "3"].map(|key| new(owner, key, notice(key)));
        let [first, second] = again;
        let again = [store.notify(first).await.unwrap(), store.notify(second).await.unwrap()];
        found.push((inbox, store.unread_count(&UserId::new(owner)).await.unwrap(), again));
    }
    assert_eq!((found[0].0.head, found[1].1), (INBOX_MAX + 3, 1));
    found
}

/// Every field of every kind is kept.
pub async fn a_notification_comes_back_as_it_was_kept(store: Arc<dyn Store>) {
    let place = Place { server: ServerId::new("s"), channel: ChannelId::new("c"), message_seq: 42, by: user("bo") };
    let invite = About::ServerInvite { server: ServerId::new("s"), name: "술친구".to_owned(), by: user("bo"), state: Invitation::Open };
    let schedule =
        About::Schedule { server: ServerId::new("s"), schedule: ScheduleId::new("e"), title: "건배".to_owned(), starts_at: millis(99) };
    let full = Notice {
        title: "t".to_owned(),
        body: String::new(),
        url: Some("/orders/1".to_owned()),
        data: Some("{\"a\": [1, null]}".to_owned()),
    };
    let all = [
        About::Mention(place.clone()),
        About::Reply(place),
        invite,
        About::RoomInvite { room: RoomId::new("r"), name: "방".to_owned(), by: user("bo") },
        schedule,
        notice("짠"),
        About::Backend(full),
    ];
    let owner = UserId::new("ana");
    for (index, about) in all.into_iter().enumerate() {
        let new = new("ana", &index.to_string(), about);
        let expected = Notification {
            id: new.id.clone(),
            user: owner.clone(),
            seq: index as u64 + 1,
            about: new.about.clone(),
            at: new.at,
            read_at: None,
        };
        assert_eq!(store.notify(new).await.unwrap(), Notified::New(expected.clone()));
        assert_eq!(store.notification(&owner, &expected.id).await.unwrap(), Some(expected.clone()));
        assert_eq!(store.notifications(&owner, Seek::Newest, 1).await.unwrap().notifications, [expected]);
    }
    assert_eq!(store.notification(&owner, &NotificationId::new("none")).await.unwrap(), None);
    assert_eq!(seqs(&*store, "nobody", Seek::Newest, 10).await, (vec![], false, false, 0));
    assert_eq!(store.unread_count(&UserId::new("nobody")).await.unwrap(), 0);
}

/// 32 at once for each of two users.
pub async fn notifications_are_numbered_without_a_gap_however_many_race(store: Arc<dyn Store>) {
    let made = at_once(64, |index| {
        let store = store.clone();
        async move { keep(&*store, &format!("u{}", index % 2), &index.to_string()).await }
    })
    .await;
    for owner in ["u0", "u1"] {
        let mut own: Vec<Notification> = made.iter().filter(|notification| notification.user.as_str() == owner).cloned().collect();
        own.sort_by_key(|notification| notification.seq);
        assert_eq!(own.iter().map(|notification| notification.seq).collect::<Vec<_>>(), (1..=32).collect::<Vec<_>>());
        assert_eq!(store.notifications(&UserId::new(owner), Seek::Newest, 100).await.unwrap().notifications, own);
        assert_eq!(store.unread_count(&UserId::new(owner)).await.unwrap(), 32);
    }
}

/// A key is a user's own.
pub async fn a_key_keeps_one_notification_of_a_user_however_many_race(store: Arc<dyn Store>) {
    let made = at_once(16, |index| {
        let store = store.clone();
        let new = NewNotification { id: NotificationId::new(format!("n{index}")), ..new("ana", "same", notice(&index.to_string())) };
        async move { store.notify(new).await.unwrap() }
    })
    .await;
    let first: Vec<&Notification> =
        made.iter().filter_map(|made| if let Notified::New(first) = made { Some(first) } else { None }).collect();
    assert_eq!(first.len(), 1);
    assert!(made.iter().all(|made| matches!(made, Notified::New(same) | Notified::Known(same) if same == first[0])), "{made:?}");
    assert_eq!(keep(&*store, "ana", "another").await.seq, 2, "what was refused took no number");
    assert_eq!(keep(&*store, "bo", "same").await.seq, 1);
    store.read_notifications(&UserId::new("ana"), &Reading::UpTo(1), millis(8)).await.unwrap();
    let again = store.notify(new("ana", "same", notice("late"))).await.unwrap();
    assert!(matches!(again, Notified::Known(same) if same.read_at == Some(millis(8))), "as it is now");
}

/// Whoever asks for a key whose notification was forgotten is told so.
pub async fn an_inbox_keeps_the_newest_and_its_numbers_go_on(store: Arc<dyn Store>) {
    let owner = UserId::new("ana");
    for index in 1..=INBOX_MAX + 3 {
        assert_eq!(keep(&*store, "ana", &index.to_string()).await.seq, index);
    }
    assert_eq!(store.unread_count(&owner).await.unwrap(), INBOX_MAX);
    assert_eq!(seqs(&*store, "ana", Seek::After(0), 2).await, (vec![4, 5], false, true, INBOX_MAX + 3));
    assert_eq!(seqs(&*store, "ana", Seek::Before(6), 10).await, (vec![4, 5], false, true, INBOX_MAX + 3));
    assert_eq!(store.notify(new("ana", "1", notice("1"))).await.unwrap(), Notified::Forgotten);
    assert!(matches!(store.notify(new("ana", "4", notice("4"))).await.unwrap(), Notified::Known(known) if known.seq == 4));
    assert_eq!(store.notification(&owner, &NotificationId::new("ntf ana 3")).await.unwrap(), None);
    assert_eq!(keep(&*store, "bo", "1").await.seq, 1);
}

/// Pages of every size, in both directions.
pub async fn pages_of_an_inbox_meet_without_gap_or_overlap(store: Arc<dyn Store>) {
    for index in 1..=7 {
        keep(&*store, "ana", &index.to_string()).await;
        keep(&*store, "bo", &index.to_string()).await;
    }
    for limit in 1..=8 {
        let (mut down, mut seek) = (vec![], Seek::Newest);
        loop {
            let (page, more, newer, head) = seqs(&*store, "ana", seek, limit).await;
            assert_eq!((newer, head), (!down.is_empty(), 7));
            seek = Seek::Before(page[0]);
            down.splice(0..0, page);
            if !more {
                break;
            }
        }
        let (mut up, mut seek) = (vec![], Seek::After(0));
        loop {
            let (page, more, newer, _) = seqs(&*store, "ana", seek, limit).await;
            assert_eq!(more, !up.is_empty());
            seek = Seek::After(page[page.len() - 1]);
            up.extend(page);
            if !newer {
                break;
            }
        }
        assert_eq!((down, up), ((1..=7).collect::<Vec<_>>(), (1..=7).collect::<Vec<_>>()), "limit {limit}");
    }
    assert_eq!(seqs(&*store, "ana", Seek::After(7), 5).await, (vec![], true, false, 7));
    assert_eq!(seqs(&*store, "ana", Seek::After(u64::MAX), 5).await, (vec![], true, false, 7));
    assert_eq!(seqs(&*store, "ana", Seek::Before(1), 5).await, (vec![], false, true, 7));
    assert_eq!(seqs(&*store, "ana", Seek::Before(u64::MAX), 2).await, (vec![6, 7], true, false, 7));
}

/// By ids and by number, again and at the same time.
pub async fn what_is_read_stays_read(store: Arc<dyn Store>) {
    let owner = UserId::new("ana");
    let mut made = vec![];
    for index in 1..=6 {
        made.push(keep(&*store, "ana", &index.to_string()).await.id);
    }
    let ids = |numbers: &[usize]| Reading::Ids(numbers.iter().map(|number| made[number - 1].clone()).collect());
    assert!(store.read_notifications(&owner, &ids(&[2, 5, 2]), millis(10)).await.unwrap());
    assert_eq!(store.unread_count(&owner).await.unwrap(), 4);
    assert!(store.read_notifications(&owner, &Reading::UpTo(3), millis(20)).await.unwrap());
    assert!(store.read_notifications(&owner, &Reading::UpTo(1), millis(30)).await.unwrap());
    assert!(store.read_notifications(&owner, &Reading::UpTo(0), millis(30)).await.unwrap());
    assert!(store.read_notifications(&owner, &ids(&[]), millis(30)).await.unwrap());
    let read = store.notifications(&owner, Seek::Newest, 10).await.unwrap().notifications;
    let at: Vec<_> = read.iter().map(|notification| notification.read_at).collect();
    assert_eq!(at, [Some(millis(20)), Some(millis(10)), Some(millis(20)), None, Some(millis(10)), None], "the first time counts");
    assert_eq!(store.unread_count(&owner).await.unwrap(), 2);
    at_once(8, |index| {
        let (store, owner) = (store.clone(), owner.clone());
        async move { store.read_notifications(&owner, &Reading::UpTo(6 - (index % 2) as u64), millis(40)).await.unwrap() }
    })
    .await;
    assert_eq!(store.unread_count(&owner).await.unwrap(), 0);
    assert!(store.read_notifications(&owner, &Reading::UpTo(u64::MAX), millis(50)).await.unwrap());
    keep(&*store, "ana", "7").await;
    assert_eq!(store.unread_count(&owner).await.unwrap(), 1, "what comes later isn't read");
}

/// Nor is anything read when one of several ids is foreign.
pub async fn nobody_reads_or_answers_what_is_another_users(store: Arc<dyn Store>) {
    let (ana, bo) = (UserId::new("ana"), UserId::new("bo"));
    let invite = About::ServerInvite { server: ServerId::new("s"), name: "s".to_owned(), by: user("cy"), state: Invitation::Open };
    let hers = kept(store.notify(new("ana", "1", invite)).await.unwrap());
    let his = keep(&*store, "bo", "1").await;
    assert_eq!(store.notification(&bo, &hers.id).await.unwrap(), None);
    assert!(!store.read_notifications(&bo, &Reading::Ids(vec![his.id.clone(), hers.id.clone()]), millis(10)).await.unwrap());
    assert!(!store.read_notifications(&bo, &Reading::Ids(vec![NotificationId::new("none")]), millis(10)).await.unwrap());
    assert_eq!(store.answer_invitation(&bo, &hers.id, Invitation::Accepted, millis(10)).await.unwrap(), None);
    assert!(store.read_notifications(&bo, &Reading::UpTo(9), millis(10)).await.unwrap());
    assert_eq!(store.notification(&ana, &hers.id).await.unwrap(), Some(hers));
    assert_eq!((store.unread_count(&ana).await.unwrap(), store.unread_count(&bo).await.unwrap()), (1, 0));
}

/// And nothing else is an invitation.
pub async fn an_invitation_is_answered_once_however_many_race(store: Arc<dyn Store>) {
    let owner = UserId::new("ana");
    let about = |state| About::ServerInvite { server: ServerId::new("s"), name: "s".to_owned(), by: user("bo"), state };
    let id = kept(store.notify(new("ana", "1", about(Invitation::Open))).await.unwrap()).id;
    let answers = at_once(16, |index| {
        let (store, owner, id) = (store.clone(), owner.clone(), id.clone());
        let answer = if index % 2 == 0 { Invitation::Accepted } else { Invitation::Declined };
        async move { store.answer_invitation(&owner, &id, answer, millis(index as u64)).await.unwrap() }
    })
    .await;
    let answered: Vec<Notification> = answers.into_iter().flatten().collect();
    assert_eq!(answered.len(), 1);
    assert!(answered[0].read_at.is_some() && answered[0].about != about(Invitation::Open), "{answered:?}");
    assert_eq!(store.notification(&owner, &id).await.unwrap().as_ref(), answered.first());
    assert_eq!(store.unread_count(&owner).await.unwrap(), 0);
    let other = keep(&*store, "ana", "2").await.id;
    assert_eq!(store.answer_invitation(&owner, &other, Invitation::Accepted, millis(1)).await.unwrap(), None);
}
