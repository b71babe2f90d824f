//! The way out of a WebSocket, shared by the codec and by whoever has frames of its own to send.
//!
//! Both hand over whole frames. What the socket doesn't take of them waits here and goes before anything else of either, so that no frame
//! ever stands within another. It doesn't read, and looks into frames only to see that the codec greeted a client.

use std::io::{ErrorKind, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// One connection's. The codec may have to wait for its turn, and is the next one then.
#[derive(Debug, Default)]
pub(super) struct Wire(Mutex<State>);

#[derive(Debug)]
struct State {
    /// None before the WebSocket and after it.
    tcp: Option<Arc<TcpStream>>,
    /// Of what was handed over, what the socket didn't take, behind `taken` bytes that it took. At most what was handed over at once.
    rest: Vec<u8>,
    taken: usize,
    /// When the socket took nothing first, since it took something last.
    stalled: Option<Instant>,
    codec_waits: bool,
    /// How what the codec greets a client with begins.
    greeting: &'static [u8],
    /// Greetings that the codec has handed over, each to another client than before.
    greetings: u32,
}

impl Default for State {
    fn default() -> Self {
        let (tcp, rest, stalled) = (None, Vec::new(), None);
        Self { tcp, rest, taken: 0, stalled, codec_waits: false, greeting: CONNECTED, greetings: 0 }
    }
}

/// What became of frames that were to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// All of them.
    All,
    /// They are accepted, and a rest of them goes before anything else. Whoever sent them sends again when the peer has taken something.
    Partly,
    /// None of them: the peer hasn't taken what came before.
    PeerIsSlow,
    /// None of them: the codec hasn't greeted their client yet.
    NotGreeted,
    /// None of them: it is the codec's turn.
    CodecWaits,
    /// None of them: nothing is sent any more.
    Closed,
}

impl Wire {
    /// The connection takes over from polling, where its client was told already that it is connected.
    pub(super) fn take_over(&self) {
        self.lock().greeting = TAKEN_OVER;
    }

    /// The connection speaks WebSocket from here on.
    pub(super) fn open(&self, tcp: Arc<TcpStream>) {
        self.lock().tcp = Some(tcp);
    }

    /// Sends nothing more. Returns whether the last frame went out whole.
    pub(super) fn close(&self) -> bool {
        let mut state = self.lock();
        state.tcp = None;
        let was_whole = state.rest.is_empty();
        (state.rest, state.taken, state.stalled) = (Vec::new(), 0, None);
        was_whole
    }

    /// Bytes that wait.
    pub(super) fn waiting_bytes(&self) -> usize {
        let state = self.lock();
        state.rest.len() - state.taken
    }

    /// For how long the peer has taken nothing of what waits.
    pub(super) fn stalled(&self) -> Option<Duration> {
        self.lock().stalled.map(|since| since.elapsed())
    }

    /// The socket, and when it took nothing first.
    pub(super) fn socket(&self) -> Option<(Arc<TcpStream>, Option<Instant>)> {
        let state = self.lock();
        state.tcp.clone().map(|tcp| (tcp, state.stalled))
    }

    /// Sends what `fill` appends, whole frames, unless something else has to go first. They are for the client that the codec greets as the
    /// one of this number: one that was greeted later is another one, on the same socket, and gets nothing of them.
    pub(super) fn send(&self, greeting: u32, fill: impl FnOnce(&mut Vec<u8>)) -> Sent {
        let mut state = self.lock();
        if state.greetings > greeting {
            return Sent::Closed;
        }
        match state.write_rest() {
            Ok(()) if state.greetings < greeting => return Sent::NotGreeted,
            Ok(()) if state.codec_waits => return Sent::CodecWaits,
            Ok(()) => fill(&mut state.rest),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Sent::PeerIsSlow,
            Err(_) => return Sent::Closed,
        }
        match state.write_rest() {
            Ok(()) => Sent::All,
            Err(error) if error.kind() == ErrorKind::WouldBlock => Sent::Partly,
            Err(_) => Sent::Closed,
        }
    }

    /// Takes the codec's frames, all of them, once nothing waits before them.
    pub(super) fn poll_codec(&self, cx: &mut Context<'_>, frames: &[u8]) -> Poll<Result<usize>> {
        let mut state = self.lock();
        ready!(state.poll_rest(cx))?;
        state.greetings += greetings(frames, state.greeting);
        state.rest.extend_from_slice(frames);
        match state.write_rest() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Poll::Ready(Err(error)),
            Ok(()) | Err(_) => Poll::Ready(Ok(frames.len())),
        }
    }

    /// For the codec: ready when nothing waits.
    pub(super) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.lock().poll_rest(cx)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Ready when nothing waits, and it is nobody's turn.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        loop {
            match self.write_rest() {
                Ok(()) => {
                    self.codec_waits = false;
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.codec_waits = true,
                Err(error) => return Poll::Ready(Err(error)),
            }
            let Some(tcp) = &self.tcp else { return Poll::Ready(Err(ErrorKind::ConnectionAborted.into())) };
            ready!(tcp.poll_write_ready(cx))?;
        }
    }

    fn write_rest(&mut self) -> Result<()> {
        let Some(tcp) = &self.tcp else { return Err(ErrorKind::ConnectionAborted.into()) };
        while self.taken < self.rest.len() {
            match tcp.try_write(&self.rest[self.taken..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.taken += written;
                    self.stalled = None;
                }
                Err(error) => {
                    if error.kind() == ErrorKind::WouldBlock {
                        self.stalled.get_or_insert_with(Instant::now);
                    }
                    return Err(error);
                }
            }
        }
        // Nothing is kept for a peer that takes everything, as almost all do.
        (self.rest, self.taken, self.stalled) = (Vec::new(), 0, None);
        Ok(())
    }
}

/// Appends a text frame (RFC 6455, section 5.2) as a server sends it, of these pieces.
pub(crate) fn append_text(frames: &mut Vec<u8>, pieces: &[&str]) {
    const FIN_TEXT: u8 = 0x81;
    let length = pieces.iter().map(|piece| piece.len()).sum::<usize>();
    frames.reserve(length + 10);
    frames.push(FIN_TEXT);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..126), _) => frames.push(short),
        (_, Ok(medium)) => {
            frames.push(126);
            frames.extend_from_slice(&medium.to_be_bytes());
        }
        (_, Err(_)) => {
            frames.push(127);
            frames.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    for piece in pieces {
        frames.extend_from_slice(piece.as_bytes());
    }
}

/// The event behind which the codec sends nothing more of a session's on a WebSocket that has taken over from polling.
pub(crate) const UPGRADED: &str = "session:upgraded";
/// As it begins on the wire: engine.io's message with socket.io's EVENT.
pub(super) const TAKEN_OVER: &[u8] = b"42[\"session:upgraded\"";
/// Socket.io's CONNECT.
pub(super) const CONNECTED: &[u8] = b"40";

/// How many of these whole frames begin as a greeting does.
pub(super) fn greetings(mut frames: &[u8], greeting: &[u8]) -> u32 {
    let mut found = 0;
    while let [_, length, rest @ ..] = frames {
        let (length, payload) = match (length, rest) {
            (126, [a, b, payload @ ..]) => (u64::from(u16::from_be_bytes([*a, *b])), payload),
            (127, [a, b, c, d, e, f, g, h, payload @ ..]) => (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), payload),
            (length, payload) => (u64::from(*length), payload),
        };
        let split = usize::try_from(length).ok().and_then(|length| payload.split_at_checked(length));
        let Some((payload, behind)) = split else { break };
        found += u32::from(payload.starts_with(greeting));
        frames = behind;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::SockRef;
    use std::future::poll_fn;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    const SOCKET_BYTES: usize = 8 * 1024;
    /// More than both sockets' buffers hold.
    const MANY: usize = 10_000;

    async fn open() -> (Wire, Arc<TcpStream>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let tcp = Arc::new(listener.accept().await.unwrap().0);
        SockRef::from(&peer).set_recv_buffer_size(SOCKET_BYTES).unwrap();
        SockRef::from(&*tcp).set_send_buffer_size(SOCKET_BYTES).unwrap();
        let wire = Wire::default();
        wire.open(tcp.clone());
        (wire, tcp, peer)
    }

    fn text(index: usize) -> String {
        format!("{index} {}", "x".repeat(index % 700))
    }

    fn frame(text: &str) -> Vec<u8> {
        let mut frame = vec![];
        append_text(&mut frame, &[text]);
        frame
    }

    /// Sends numbered frames until the peer takes no more; how many were accepted.
    fn fill(wire: &Wire) -> usize {
        let send = |index| wire.send(0, |frames| append_text(frames, &[&text(index)]));
        let last = (0..MANY).find(|index| send(*index) == Sent::Partly).unwrap();
        assert_eq!(wire.send(0, |_| panic!("not its turn")), Sent::PeerIsSlow);
        last + 1
    }

    /// The next frame's text.
    async fn read(peer: &mut TcpStream) -> String {
        assert_eq!(peer.read_u8().await.unwrap(), 0x81, "not at a frame's beginning");
        let length = match peer.read_u8().await.unwrap() {
            126 => u64::from(peer.read_u16().await.unwrap()),
            127 => peer.read_u64().await.unwrap(),
            short => u64::from(short),
        };
        let mut text = vec![0; length.try_into().unwrap()];
        peer.read_exact(&mut text).await.unwrap();
        String::from_utf8(text).unwrap()
    }

    async fn soon<T>(future: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_secs(20), future).await.unwrap()
    }

    #[tokio::test]
    async fn the_rest_of_a_half_written_frame_goes_before_the_codecs_frames_and_those_before_further_ones() {
        let (wire, _tcp, mut peer) = open().await;
        let accepted = fill(&wire);
        assert!(wire.waiting_bytes() > 0 && wire.stalled().is_some(), "the socket's buffer ends amid a frame");
        let ping = frame("2");
        let codec = async {
            assert_eq!(poll_fn(|cx| wire.poll_codec(cx, &ping)).await.unwrap(), ping.len());
            poll_fn(|cx| wire.poll_flush(cx)).await.unwrap();
            assert_eq!(wire.send(0, |frames| append_text(frames, &["last"])), Sent::All);
        };
        let reader = async {
            for index in 0..accepted {
                assert_eq!(read(&mut peer).await, text(index));
            }
            assert_eq!((read(&mut peer).await, read(&mut peer).await), ("2".to_owned(), "last".to_owned()));
        };
        soon(async { tokio::join!(codec, reader) }).await;
        assert_eq!((wire.waiting_bytes(), wire.stalled()), (0, None));
    }

    #[tokio::test]
    async fn a_codec_that_had_to_wait_is_the_next_one() {
        let (wire, tcp, mut peer) = open().await;
        let accepted = fill(&wire);
        let ping = frame("2");
        let mut polled = Box::pin(poll_fn(|cx| wire.poll_codec(cx, &ping)));
        assert!(poll_fn(|cx| Poll::Ready(polled.as_mut().poll(cx).is_pending())).await);
        soon(async {
            for index in 0..accepted {
                // The rest waits for what the peer reads.
                while wire.send(0, |_| panic!("the codec is next")) == Sent::PeerIsSlow {
                    tokio::select! {
                        writable = tcp.writable() => writable.unwrap(),
                        readable = peer.readable() => {
                            readable.unwrap();
                            break;
                        }
                    }
                }
                assert_eq!(read(&mut peer).await, text(index));
            }
            while wire.send(0, |_| panic!("the codec is next")) != Sent::CodecWaits {
                tcp.writable().await.unwrap();
            }
            polled.as_mut().await.unwrap();
            assert_eq!(wire.send(0, |frames| append_text(frames, &["last"])), Sent::All);
            assert_eq!((read(&mut peer).await, read(&mut peer).await), ("2".to_owned(), "last".to_owned()));
        })
        .await;
    }

    #[tokio::test]
    async fn frames_go_to_the_client_that_was_greeted_last_and_to_no_other() {
        let (wire, _tcp, mut peer) = open().await;
        let greet = async || poll_fn(|cx| wire.poll_codec(cx, &frame("40{}"))).await.unwrap();
        let send = |greeting, text| wire.send(greeting, |frames| append_text(frames, &[text]));
        assert_eq!(send(1, "before its greeting"), Sent::NotGreeted);
        greet().await;
        assert_eq!((send(1, "first"), send(2, "before its greeting")), (Sent::All, Sent::NotGreeted));
        greet().await;
        assert_eq!((send(1, "to who is gone"), send(2, "second")), (Sent::Closed, Sent::All));
        for expected in ["40{}", "first", "40{}", "second"] {
            assert_eq!(soon(read(&mut peer)).await, expected);
        }
    }

    #[tokio::test]
    async fn on_a_connection_that_takes_over_the_greeting_says_so() {
        let (wire, _tcp, mut peer) = open().await;
        wire.take_over();
        let codec = async |text| poll_fn(|cx| wire.poll_codec(cx, &frame(text))).await.unwrap();
        let send = |text| wire.send(1, |frames| append_text(frames, &[text]));
        // Its client asked to be connected by polling, and is told here.
        codec("40{}").await;
        assert_eq!(send("not yet"), Sent::NotGreeted);
        codec("42[\"session:upgraded\",{}]").await;
        assert_eq!(send("first"), Sent::All);
        for expected in ["40{}", "42[\"session:upgraded\",{}]", "first"] {
            assert_eq!(soon(read(&mut peer)).await, expected);
        }
    }

    #[tokio::test]
    async fn after_its_end_nothing_is_sent() {
        let (wire, _tcp, _peer) = open().await;
        assert!(wire.close());
        assert_eq!(wire.send(0, |_| panic!("closed")), Sent::Closed);
        let (wire, _tcp, _peer) = open().await;
        fill(&wire);
        assert!(!wire.close(), "its last frame is half-written");
        assert_eq!((wire.send(0, |_| panic!("closed")), wire.waiting_bytes()), (Sent::Closed, 0));
    }

    #[tokio::test]
    async fn frames_of_every_length_are_read_as_they_were_written() {
        let (wire, _tcp, mut peer) = open().await;
        soon(async {
            for length in [0, 1, 125, 126, 65_535, 65_536, 70_000] {
                let text = "x".repeat(length);
                let halves = ["", &text[..length / 2], &text[length / 2..]];
                assert!(matches!(wire.send(0, |frames| append_text(frames, &halves)), Sent::All | Sent::Partly));
                let flush = async { poll_fn(|cx| wire.poll_flush(cx)).await.unwrap() };
                assert_eq!(tokio::join!(flush, read(&mut peer)).1, text);
            }
        })
        .await;
    }

    #[test]
    fn greetings_are_found_among_all_lengths_and_nowhere_else() {
        let texts = [
            "40{}",
            "2",
            "42[\"40\"]",
            "42[\"session:upgraded\",{}]",
            "42[\"session:ready\"]",
            &format!("42{}", "40".repeat(100)),
            &"40".repeat(40_000),
            "",
            "40",
            "4",
        ];
        let frames: Vec<u8> = texts.iter().flat_map(|text| frame(text)).collect();
        assert_eq!((greetings(&frames, CONNECTED), greetings(&frames, TAKEN_OVER)), (3, 1));
    }
}
