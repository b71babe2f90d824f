//! Messages of one channel that wait to be stored: whoever's turn it is stores those of all who wait.
//!
//! It sends nothing. Invariants: one group of a channel is on its way at a time, in the order of coming; whoever goes away before an answer leaves
//! no gap, because others take over what was waiting, and what was on its way goes again with the same ids.

use super::call::{Failure, TRANSACTION_WRITES_MAX};
use super::channels::lock;
use rooms::store::NewMessage;
use rooms::view::Audience;
use std::collections::{HashSet, VecDeque};
use std::future::Future;
use std::sync::Mutex;
use tokio::sync::{Semaphore, oneshot};

/// Messages that may wait. Whoever comes when it is full gets `Unavailable` at once: at 10 ms for each group, all of them are as many as can surely
/// be served in the time that a caller waits, also while another node writes as much.
const WAITING_MAX: usize = 1024;

/// The most messages of a group. More would share one trip, and fewer are paid in vain when another node was quicker.
pub(super) const GROUP_MAX: usize = 25;

/// Where a message came to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// This call stored it there.
    New(u64),
    /// An earlier call with its nonce did.
    Old(u64),
}

/// What became of each message of a group, in its order.
pub(super) type Places = Vec<Result<Place, Failure>>;

struct Waiting {
    new: NewMessage,
    answer: oneshot::Sender<Result<Place, Failure>>,
}

/// The messages that wait.
pub(super) struct Queue {
    turn: Semaphore,
    places: Semaphore,
    waiting: Mutex<VecDeque<Waiting>>,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self { turn: Semaphore::new(1), places: Semaphore::new(WAITING_MAX), waiting: Mutex::default() }
    }

    /// What became of the message, which is stored by this call or by another one of those that wait.
    pub(super) async fn append<F>(&self, new: &NewMessage, store: impl Fn(Vec<NewMessage>) -> F) -> Result<Place, Failure>
    where
        F: Future<Output = Places>,
    {
        let full = |_| Failure::Unavailable("too many wait for this channel".into());
        let _place = self.places.try_acquire().map_err(full)?;
        let mut answer = self.join(new);
        loop {
            let turn = tokio::select! {
                biased;
                answered = &mut answer => match answered {
                    Ok(place) => return place,
                    // Whoever was storing it went away.
                    Err(_) => {
                        answer = self.join(new);
                        continue;
                    }
                },
                turn = self.turn.acquire() => turn.map_err(|_| Failure::Unavailable("the channel is closed".into()))?,
            };
            let (messages, answers): (Vec<_>, Vec<_>) = self.next_group().into_iter().map(|one| (one.new, one.answer)).unzip();
            if !messages.is_empty() {
                for (answer, place) in answers.into_iter().zip(store(messages).await) {
                    // Whoever is gone has no use for it.
                    let _ = answer.send(place);
                }
            }
            drop(turn);
        }
    }

    fn join(&self, new: &NewMessage) -> oneshot::Receiver<Result<Place, Failure>> {
        let (answer, answered) = oneshot::channel();
        lock(&self.waiting).push_back(Waiting { new: new.clone(), answer });
        answered
    }

    /// Those who wait longest, as many as fit into a transaction. One that doesn't fit goes alone.
    fn next_group(&self) -> Vec<Waiting> {
        let mut waiting = lock(&self.waiting);
        let (mut group, mut nonces, mut writes) = (Vec::new(), HashSet::new(), 0);
        while let Some(next) = waiting.front() {
            if next.answer.is_closed() {
                waiting.pop_front();
                continue;
            }
            writes += writes_of(&next.new);
            // A row is written once in a transaction.
            let is_new = nonces.insert((next.new.author.id.clone(), next.new.nonce.0.clone()));
            if !group.is_empty() && (group.len() == GROUP_MAX || writes > TRANSACTION_WRITES_MAX || !is_new) {
                break;
            }
            group.extend(waiting.pop_front());
        }
        group
    }
}

/// At most: the message, its nonce, its author's marker, one row for everyone and roles, and one for each named user.
fn writes_of(new: &NewMessage) -> usize {
    4 + new.mentions.iter().filter(|audience| matches!(audience, Audience::User(_))).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use futures_util::future::join_all;
    use rooms::store::Nonce;
    use rooms::{ChannelId, MessageId, User, UserId};
    use std::cell::RefCell;
    use std::time::SystemTime;

    fn new(author: &str, nonce: usize, mentions: usize) -> NewMessage {
        NewMessage {
            id: MessageId::new(format!("{author}{nonce}")),
            channel: ChannelId::new("c"),
            author: User { id: UserId::new(author), name: author.into() },
            nonce: Nonce(nonce.to_string()),
            text: String::new(),
            sent_at: SystemTime::UNIX_EPOCH,
            reply_to: None,
            mentions: (0..mentions).map(|n| Audience::User(UserId::new(format!("u{n}")))).collect(),
            attachments: vec![],
        }
    }

    /// The sizes of the groups in which messages go.
    async fn sizes(messages: Vec<NewMessage>) -> Vec<usize> {
        let (queue, sizes) = (Queue::new(), RefCell::new(Vec::new()));
        let store = |group: Vec<NewMessage>| {
            sizes.borrow_mut().push(group.len());
            async move {
                tokio::task::yield_now().await;
                group.iter().map(|_| Ok(Place::New(1))).collect()
            }
        };
        let places = join_all(messages.iter().map(|new| queue.append(new, store))).await;
        assert!(places.iter().all(|place| matches!(place, Ok(Place::New(1)))));
        sizes.into_inner()
    }

    #[tokio::test]
    async fn whoever_waits_goes_with_the_next_group() {
        assert_eq!(sizes((0..60).map(|nonce| new("a", nonce, 0)).collect()).await, [1, 25, 25, 9]);
        assert_eq!(sizes((0..5).map(|nonce| new("a", nonce, 40)).collect()).await, [1, 2, 2], "as many as a transaction has room for");
        assert_eq!(sizes((0..3).map(|nonce| new("a", nonce, 150)).collect()).await, [1, 1, 1]);
        assert_eq!(sizes(vec![new("a", 0, 0), new("a", 1, 0), new("b", 1, 0), new("a", 1, 0)]).await, [1, 2, 1], "a nonce stands alone");
    }

    #[tokio::test]
    async fn messages_that_nobody_could_store_in_time_are_refused_at_once() {
        let queue = Queue::new();
        let never = |_| std::future::pending::<Places>();
        let messages: Vec<NewMessage> = (0..=WAITING_MAX).map(|nonce| new("a", nonce, 0)).collect();
        let mut waiting: Vec<_> = messages[..WAITING_MAX].iter().map(|new| Box::pin(queue.append(new, never))).collect();
        assert!(waiting.iter_mut().all(|append| append.now_or_never().is_none()), "they wait");
        let refused = queue.append(&messages[WAITING_MAX], never).now_or_never();
        assert!(matches!(refused, Some(Err(Failure::Unavailable(_)))));
        drop(waiting.pop());
        assert!(queue.append(&messages[WAITING_MAX], never).now_or_never().is_none(), "and who leaves makes a place");
    }

    #[tokio::test]
    async fn when_the_one_that_stores_goes_away_another_takes_over() {
        let (queue, groups) = (Queue::new(), RefCell::new(Vec::new()));
        let messages = [new("a", 0, 0), new("b", 0, 0), new("c", 0, 0), new("d", 0, 0)];
        let never = |_| std::future::pending::<Places>();
        let store = |group: Vec<NewMessage>| {
            groups.borrow_mut().push(group.iter().map(|new| new.author.id.to_string()).collect::<Vec<_>>());
            async move { group.iter().map(|_| Ok(Place::New(1))).collect::<Places>() }
        };
        let mut first = Box::pin(queue.append(&messages[0], never));
        assert!((&mut first).now_or_never().is_none(), "it is on its way");
        let mut second = Box::pin(queue.append(&messages[1], never));
        let mut third = Box::pin(queue.append(&messages[2], store));
        let mut fourth = Box::pin(queue.append(&messages[3], store));
        assert!((&mut second).now_or_never().is_none() && (&mut third).now_or_never().is_none() && (&mut fourth).now_or_never().is_none());
        drop(first);
        assert!((&mut second).now_or_never().is_none(), "the next one stores for all, and doesn't come to an end");
        drop(second);
        let both = futures_util::future::join(third, fourth);
        let places = tokio::time::timeout(std::time::Duration::from_secs(10), both).await.expect("stored");
        assert!(matches!(places, (Ok(Place::New(1)), Ok(Place::New(1)))));
        let mut stored = groups.into_inner().concat();
        stored.sort();
        assert_eq!(stored, ["c", "d"], "each once, and not what nobody waits for");
    }
}
