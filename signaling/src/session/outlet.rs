//! Where a session's events go: numbered into its backlog by whoever tells them, and from there to its connection by the node's flushers.
//!
//! The session's task isn't woken for them. It takes part only where order or a limit asks for it: an answer stands between the events
//! before its request and those after, and a client that takes too little loses its connection.

use super::backlog::{Backlog, Overflow, Resumption};
use super::flusher::{Flushers, Shard};
use super::line::{Ack, Line, NotSent, Once, Wait};
use super::render::{Rendered, Renderings};
use rooms::Event;
use serde::Serialize;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::Notify;

/// A session's outgoing side. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Outlet(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    /// The session's task should look at this.
    attention: Notify,
    renderings: Arc<Renderings>,
    shard: Arc<Shard>,
}

#[derive(Default)]
struct State {
    backlog: Backlog<Once>,
    line: Option<Line>,
    /// The newest number when the last snapshot was taken.
    snapshot: Option<u64>,
    /// While a request is in work nothing goes out; its answer's place is before this unsent one.
    answer_at: Option<usize>,
    /// A flusher has it on its list.
    listed: bool,
    /// Nothing goes out before this.
    blocked: Option<Arc<Wait>>,
    overflowed: bool,
    closed: bool,
}

/// What the session's task is to do.
#[derive(Clone)]
pub(super) enum Task {
    /// The client took too little: its connection is to be given up.
    Lose,
    /// To flush again after this.
    Wait(Arc<Wait>),
    Nothing,
}

impl Outlet {
    pub(super) fn new(renderings: Arc<Renderings>, flushers: &Flushers) -> Self {
        let (state, attention, shard) = (Mutex::default(), Notify::new(), flushers.next());
        Self(Arc::new(Inner { state, attention, renderings, shard }))
    }

    /// Waits until [`Outlet::task`] may say something new.
    pub(super) async fn attention(&self) {
        self.0.attention.notified().await;
    }

    /// What is to be done.
    pub(super) fn task(&self) -> Task {
        let mut state = self.lock();
        if std::mem::take(&mut state.overflowed) {
            return Task::Lose;
        }
        state.blocked.clone().map_or(Task::Nothing, Task::Wait)
    }

    /// The connection is gone: what happens from now on is kept for the next one.
    pub(super) fn detach(&self) {
        let mut state = self.lock();
        state.line = None;
        (state.answer_at, state.blocked, state.overflowed) = (None, None, false);
        // One that came too late for the connection that asked for it.
        state.snapshot = None;
        state.backlog.detach();
    }

    /// A new connection, whose client has heard everything up to `heard`. `greet` makes what it is told first after what it missed, from
    /// what it gets and the number that it is at then.
    pub(super) fn attach<const N: usize>(
        &self,
        line: Line,
        heard: Option<u64>,
        greet: impl FnOnce(Resumption, u64) -> [Option<(Once, usize)>; N],
    ) {
        let mut state = self.lock();
        let snapshot = state.snapshot.take().unwrap_or(state.backlog.last_sn());
        let (resumption, mut at) = state.backlog.resume(Instant::now(), heard, snapshot);
        for (what, bytes) in greet(resumption, snapshot).into_iter().flatten() {
            let inserted = state.backlog.insert_once(at, what, bytes);
            state.note(inserted);
            at += 1;
        }
        state.line = Some(line);
        (state.answer_at, state.blocked) = (None, None);
        self.flush_locked(&mut state);
    }

    /// From now on nothing goes out before the answer.
    pub(super) fn hold(&self) {
        let mut state = self.lock();
        self.flush_locked(&mut state);
        state.answer_at = Some(state.backlog.unsent());
    }

    /// Answers the request that is in work.
    pub(super) fn answer(&self, ack: Ack, answer: &impl Serialize) {
        let (what, bytes) = Once::answer(ack, answer);
        let mut state = self.lock();
        if let (Some(at), Some(_)) = (state.answer_at.take(), &state.line) {
            let inserted = state.backlog.insert_once(at, what, bytes);
            state.note(inserted);
        }
        self.flush_locked(&mut state);
    }

    /// Tells the present connection something about itself.
    pub(super) fn emit(&self, name: &'static str, payload: &impl Serialize) {
        let (what, bytes) = Once::event(name, payload);
        let mut state = self.lock();
        if state.line.is_some() {
            let at = state.backlog.unsent();
            let inserted = state.backlog.insert_once(at, what, bytes);
            state.note(inserted);
        }
        self.flush_locked(&mut state);
    }

    /// Hands over as much as the connection takes.
    pub(super) fn flush(&self) {
        let mut state = self.lock();
        state.listed = false;
        self.flush_locked(&mut state);
    }

    /// Forgets what is too old to be asked for.
    pub(super) fn forget_old(&self) {
        let mut state = self.lock();
        state.backlog.forget_before(Instant::now());
        state.backlog.shrink();
    }

    /// Nobody takes anything any more.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        (state.line, state.blocked) = (None, None);
        state.backlog = Backlog::default();
    }

    /// Bytes held here, and at most so many more on their way.
    pub(super) fn held_bytes(&self) -> usize {
        let state = self.lock();
        state.backlog.bytes() + state.line.as_ref().map_or(0, Line::bytes)
    }

    fn flush_locked(&self, state: &mut State) {
        if state.answer_at.is_some() {
            return;
        }
        state.blocked = None;
        let State { line: Some(line), backlog, .. } = state else { return };
        match line.flush(backlog) {
            Ok(None) => {}
            Ok(Some(wait)) => {
                state.blocked = Some(Arc::new(wait));
                self.0.attention.notify_one();
            }
            // How it was closed is told to the session's task in another way.
            Err(NotSent::Closed) => state.line = None,
            Err(NotSent::Full) => state.note(Err(Overflow)),
        }
        if state.overflowed {
            self.0.attention.notify_one();
        }
    }

    fn deliver_numbered(&self, rendered: Arc<Rendered>) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        let pushed = state.backlog.push(rendered);
        if state.line.is_none() {
            return state.backlog.cut_to_size();
        }
        state.note(pushed);
        if state.overflowed {
            self.0.attention.notify_one();
        } else if state.answer_at.is_none() && state.blocked.is_none() && !state.listed {
            state.listed = true;
            drop(state);
            self.0.shard.list(self.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, queued: Result<(), Overflow>) {
        if queued == Err(Overflow) {
            self.overflowed = true;
            (self.line, self.blocked) = (None, None);
            self.backlog.detach();
        }
    }
}

impl rooms::session::Outlet for Outlet {
    fn deliver(&self, event: &Arc<Event>) {
        let rendered = self.0.renderings.of(event);
        if !event.is_volatile() {
            return self.deliver_numbered(rendered);
        }
        let mut state = self.lock();
        if let (Some(line), 0, None) = (&state.line, state.backlog.unsent(), &state.blocked)
            && let Some(wait) = line.send_volatile(&rendered)
        {
            state.blocked = Some(Arc::new(wait));
            self.0.attention.notify_one();
        }
    }

    fn mark(&self) {
        let mut state = self.lock();
        state.snapshot = Some(state.backlog.last_sn());
    }

    fn lose(&self) {
        let mut state = self.lock();
        state.backlog.skip();
        state.note(Err(Overflow));
        self.0.attention.notify_one();
    }

    fn is_open(&self) -> bool {
        !self.lock().closed
    }
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlet").field("bytes", &self.held_bytes()).finish()
    }
}
