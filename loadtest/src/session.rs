//! A user's signaling connection, over its breaks: it comes back into its session by itself, as a browser's page does.
//!
//! [`Socket`] is one connection; this is what survives it: the token and the session's secret. It counts what was lost and what came back.

use crate::dice::Dice;
use crate::failure::Failure;
use crate::recorder::Recorder;
use crate::socket::{Event, Inbox, RequestError, Socket};
use crate::target::Dialer;
use crate::wire::Ready;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;
use tokio_util::task::AbortOnDropHandle;

/// Before each attempt to come back, give or take a half: what the browsers' SDK waits too.
const BACK_OFF: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_millis(300),
    Duration::from_millis(1_200),
    Duration::from_millis(2_700),
    Duration::from_millis(4_800),
    Duration::from_millis(7_000),
];
/// How long the server may take to close a socket that says goodbye.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// What happens on the connection.
#[derive(Debug)]
pub enum Signal {
    Event(Event),
    /// It was lost, for this reason, and is coming back.
    Lost(Failure),
    /// It is back; `seated` when the server kept the seat.
    Back {
        seated: bool,
    },
    /// It is lost for good.
    GaveUp(Failure),
}

/// The connection.
pub struct Session {
    dialer: Dialer,
    token: String,
    secret: Option<String>,
    state: State,
    /// Since when there is no session that answers.
    down_us: Option<u64>,
    recorder: Recorder,
    dice: Dice,
}

enum State {
    Up { socket: Socket, inbox: Inbox },
    Down(AbortOnDropHandle<Result<(Socket, Inbox), Failure>>),
}

impl Session {
    /// Connects with a token.
    ///
    /// # Errors
    /// [`Failure`] with the reason's code.
    pub async fn open(dialer: Dialer, token: String, recorder: Recorder, dice: Dice) -> Result<Self, Failure> {
        let (socket, inbox) = Socket::connect(&dialer, &json!({ "token": token })).await?;
        Ok(Self { dialer, token, secret: None, state: State::Up { socket, inbox }, down_us: None, recorder, dice })
    }

    /// For requests that don't wait for it to come back.
    pub fn socket(&self) -> Option<Socket> {
        match &self.state {
            State::Up { socket, .. } => Some(socket.clone()),
            State::Down(_) => None,
        }
    }

    /// Sends an event and waits for its ack; see [`Socket::request`].
    ///
    /// # Errors
    /// [`RequestError`]; [`RequestError::Closed`] while it is lost.
    pub async fn request<T: DeserializeOwned>(&self, name: &'static str, payload: &impl Serialize) -> Result<T, RequestError> {
        self.socket().ok_or(RequestError::Closed)?.request(name, payload).await
    }

    /// A newer token, for the next time that it comes back.
    pub fn renew_token(&mut self, token: String) {
        self.token = token;
    }

    /// Drops the connection without a word. It comes back by itself.
    pub fn cut(&mut self) {
        self.recorder.with(|tally| tally.connections.cut += 1);
        self.come_back();
    }

    /// The next thing that happens. Safe to be dropped halfway.
    pub async fn next(&mut self) -> Signal {
        loop {
            match &mut self.state {
                State::Up { inbox, .. } => match inbox.next().await {
                    Ok(event) if event.name == "session:ready" => {
                        if let Some(back) = self.ready(event.payload) {
                            return back;
                        }
                    }
                    Ok(event) => return Signal::Event(event),
                    Err(closed) => {
                        self.recorder.with(|tally| tally.connections.lost += 1);
                        self.come_back();
                        return Signal::Lost(Failure::new("connection_lost", closed));
                    }
                },
                State::Down(coming) => match coming.await {
                    Ok(Ok((socket, inbox))) => self.state = State::Up { socket, inbox },
                    Ok(Err(failure)) => return Signal::GaveUp(failure),
                    Err(error) => return Signal::GaveUp(Failure::new("connection_lost", error)),
                },
            }
        }
    }

    /// Says goodbye and waits for the server to close, for a while.
    pub async fn close(self) {
        let State::Up { socket, mut inbox } = self.state else { return };
        socket.close().await;
        let ended = async { while inbox.next().await.is_ok() {} };
        if tokio::time::timeout(CLOSE_TIMEOUT, ended).await.is_err() {
            tracing::debug!("the server did not close the socket");
        }
    }

    fn ready(&mut self, payload: Value) -> Option<Signal> {
        let ready: Ready = serde_json::from_value(payload).ok()?;
        self.secret = Some(ready.session);
        let now_us = self.recorder.now_us();
        let down_us = self.down_us.take()?;
        let seated = ready.resumed && ready.seat.is_some();
        if seated {
            self.recorder.with(|tally| {
                tally.connections.resumed += 1;
                tally.times.reconnect.record(now_us.saturating_sub(down_us));
                tally.second(now_us).reconnects += 1;
            });
        }
        Some(Signal::Back { seated })
    }

    fn come_back(&mut self) {
        self.down_us.get_or_insert(self.recorder.now_us());
        let auth = json!({ "token": self.token, "session": self.secret });
        let attempts = come_back(self.dialer.clone(), auth, self.dice.clone());
        self.dice.roll();
        self.state = State::Down(AbortOnDropHandle::new(tokio::spawn(attempts)));
    }
}

async fn come_back(dialer: Dialer, auth: Value, mut dice: Dice) -> Result<(Socket, Inbox), Failure> {
    let mut last = Failure::new("connection_lost", "no attempt was made to come back");
    for wait in BACK_OFF {
        tokio::time::sleep(wait.mul_f64(0.5 + dice.share())).await;
        match Socket::connect(&dialer, &auth).await {
            Ok(connected) => return Ok(connected),
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}
