//! Drives many senders from one thread: each sends when it is due, and receives when its socket has something.

use crate::{AUDIO_EVERY, FRAME_EVERY};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use std::time::{Duration, Instant};

/// One participant of the load.
pub trait Sender {
    fn socket(&mut self) -> &mut UdpSocket;
    fn send_audio(&mut self);
    fn send_frame(&mut self);
    /// Takes all that the socket has.
    fn receive(&mut self);
    /// Does what is due besides.
    fn tick(&mut self, now: Instant);
}

/// How long a turn waits for the sockets: the grain of the senders' clocks.
const TURN: Duration = Duration::from_micros(500);

/// Senders with their clocks, spread evenly over their periods so that they don't march in step.
pub struct Load<S> {
    pub senders: Vec<S>,
    due: Vec<[Instant; 2]>,
    poll: Poll,
    events: Events,
    /// Whether they send. They receive in any case.
    pub talking: bool,
}

impl<S: Sender> Load<S> {
    pub fn new() -> Self {
        let poll = Poll::new().expect("a poller");
        Self { senders: vec![], due: vec![], poll, events: Events::with_capacity(1024), talking: false }
    }

    pub fn add(&mut self, mut sender: S) {
        let token = Token(self.senders.len());
        self.poll.registry().register(sender.socket(), token, Interest::READABLE).expect("registered");
        // The golden ratio spreads any number of them.
        let part = (self.senders.len() as f64 * 0.618_034).fract();
        let now = Instant::now();
        self.due.push([now + AUDIO_EVERY.mul_f64(part), now + FRAME_EVERY.mul_f64(part)]);
        self.senders.push(sender);
    }

    pub fn run(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.turn();
        }
    }

    /// Runs until `done`. Panics after half a minute, for nothing here takes so long.
    pub fn run_until(&mut self, done: impl Fn(&[S]) -> bool) {
        let limit = Instant::now() + Duration::from_secs(30);
        while !done(&self.senders) {
            assert!(Instant::now() < limit, "the load stands still");
            self.turn();
        }
    }

    fn turn(&mut self) {
        let before = Instant::now();
        self.poll.poll(&mut self.events, Some(Duration::ZERO)).expect("polled");
        for event in &self.events {
            self.senders[event.token().0].receive();
        }
        let now = Instant::now();
        for (sender, [audio, frame]) in self.senders.iter_mut().zip(&mut self.due) {
            sender.tick(now);
            // Missed periods are made up for, up to a second.
            if *audio <= now {
                *audio = (*audio + AUDIO_EVERY).max(now - Duration::from_secs(1));
                if self.talking {
                    sender.send_audio();
                }
            }
            if *frame <= now {
                *frame = (*frame + FRAME_EVERY).max(now - Duration::from_secs(1));
                if self.talking {
                    sender.send_frame();
                }
            }
        }
        if let Some(rest) = TURN.checked_sub(before.elapsed()) {
            std::thread::sleep(rest);
        }
    }
}
