//! Events as they look on the wire, each rendered once however many sessions are told of it.
//!
//! It doesn't number or send them.

use super::push;
use crate::listener::append_text;
use rooms::Event;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Events whose rendering is remembered. A burst of more than this is rendered more than once for those who come to it late.
const REMEMBERED_EVENTS: usize = 32;

/// One event's name and its payload as JSON.
#[derive(Clone)]
pub(super) struct Rendered {
    pub(super) name: &'static str,
    pub(super) payload: Box<RawValue>,
    /// When it happened.
    pub(super) at: Instant,
}

impl Rendered {
    pub(super) fn new(name: &'static str, payload: &impl Serialize) -> Self {
        let payload = to_raw_value(payload).unwrap_or_else(|error| {
            tracing::error!(%error, name, "an event could not be serialised");
            RawValue::NULL.to_owned()
        });
        Self { name, payload, at: Instant::now() }
    }

    /// Appends it as a WebSocket frame, with its number if it has one.
    pub(super) fn append(&self, frames: &mut Vec<u8>, sn: Option<u64>) {
        match sn {
            Some(sn) => append_text(frames, &["42[\"", self.name, "\",", self.payload.get(), ",", &sn.to_string(), "]"]),
            None => append_text(frames, &["42[\"", self.name, "\",", self.payload.get(), "]"]),
        }
    }

    /// Of name and payload.
    pub(super) fn bytes(&self) -> usize {
        self.name.len() + self.payload.get().len()
    }
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it carries may be anybody's words.
        f.debug_struct("Rendered").field("name", &self.name).field("bytes", &self.bytes()).finish()
    }
}

impl PartialEq for Rendered {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.payload.get() == other.payload.get()
    }
}

/// What was rendered last, by the identity of the event. It keeps the events, so that an address means one of them only.
#[derive(Debug, Default)]
pub(crate) struct Renderings {
    last: Mutex<VecDeque<(Arc<Event>, Arc<Rendered>)>>,
    count: AtomicU64,
}

impl Renderings {
    /// The event as it looks on the wire.
    pub(super) fn of(&self, event: &Arc<Event>) -> Arc<Rendered> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, rendered)) = last.iter().rev().find(|(known, _)| Arc::ptr_eq(known, event)) {
            return rendered.clone();
        }
        let rendered = Arc::new(push::render(event));
        self.count.fetch_add(1, Ordering::Relaxed);
        if last.len() == REMEMBERED_EVENTS {
            last.pop_front();
        }
        last.push_back((event.clone(), rendered.clone()));
        rendered
    }

    /// How many events there were.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rooms::RoomId;

    #[test]
    fn an_event_is_rendered_once_for_all() {
        let renderings = Renderings::default();
        let event = Arc::new(Event::RoomReplaced { room: RoomId::new("r") });
        let first = renderings.of(&event);
        for _ in 0..REMEMBERED_EVENTS - 1 {
            renderings.of(&Arc::new((*event).clone()));
        }
        assert!(Arc::ptr_eq(&first, &renderings.of(&event)));
        assert_eq!((first.name, first.payload.get()), ("room:replaced", r#"{"room":"r"}"#));
        renderings.of(&Arc::new((*event).clone()));
        assert!(!Arc::ptr_eq(&first, &renderings.of(&event)), "forgotten");
    }
}
