//! One accepted TCP connection: a handle to it for whoever must know or end it, and the byte stream that obeys the handle.
//!
//! Dropping the connection is the only way of ending it that a peer which stopped reading can't hold up; everything above TCP queues
//! behind what that peer didn't read.

use super::flushes::Flushes;
use super::frames::Frames;
use super::wire::{Sent, Wire};
use socket2::SockRef;
use std::future::Future;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// How long what a peer still sends is thrown away after it was told that its message is too large. Closing at once would reset the
/// connection, and the peer would lose the reason; longer would serve nobody.
const FAREWELL: Duration = Duration::from_secs(2);

/// A handle to a TCP connection, in the extensions of every request that came over it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Transport(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    peer: SocketAddr,
    kill: CancellationToken,
    closed: CancellationToken,
    opened: Instant,
    /// When the last byte came, in ms after `opened`.
    heard_ms: AtomicU64,
    /// Set once the connection speaks WebSocket: the longest message it may send.
    websocket: OnceLock<u64>,
    /// Who wants to know that everything was written.
    flushes: OnceLock<Arc<Flushes>>,
    /// How long the peer may take nothing.
    stall_timeout: Duration,
    wire: Wire,
    /// Clients that were or are to be greeted, one after the other.
    admitted: AtomicU32,
}

impl Transport {
    pub(super) fn new(peer: SocketAddr, kill: CancellationToken, stall_timeout: Duration) -> Self {
        Self(Arc::new(Inner {
            peer,
            kill,
            closed: CancellationToken::new(),
            opened: Instant::now(),
            heard_ms: AtomicU64::new(0),
            websocket: OnceLock::new(),
            flushes: OnceLock::new(),
            stall_timeout,
            wire: Wire::default(),
            admitted: AtomicU32::new(0),
        }))
    }

    /// The other end's address.
    pub fn peer(&self) -> SocketAddr {
        self.0.peer
    }

    /// Drops the connection at once, whatever waits to be written.
    pub fn kill(&self) {
        self.0.kill.cancel();
    }

    /// Waits until the connection is closed, for whatever reason.
    pub async fn closed(&self) {
        self.0.closed.cancelled().await;
    }

    /// Whether both are handles to one connection.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// For how long nothing came from the other end.
    pub fn silence(&self) -> Duration {
        let heard = self.0.opened + Duration::from_millis(self.0.heard_ms.load(Ordering::Relaxed));
        Instant::now().saturating_duration_since(heard)
    }

    /// From the answer to the current request on, the connection speaks WebSocket. A message of more than `message_bytes_max` closes it
    /// with the status 1009 (RFC 6455, section 7.4.1).
    pub(crate) fn speak_websocket(&self, message_bytes_max: u64) {
        self.0.websocket.get_or_init(|| message_bytes_max);
    }

    /// Its WebSocket takes over from a client's polling.
    pub(crate) fn take_over(&self) {
        self.0.wire.take_over();
    }

    /// From now on `flushes` counts the times at which everything was written. Further calls change nothing; returns what counts.
    pub(crate) fn count_flushes(&self, flushes: Arc<Flushes>) -> Arc<Flushes> {
        self.0.flushes.get_or_init(|| flushes).clone()
    }

    /// A client is about to be told that it is connected. Returns how many greetings, its own included, go before what it is sent.
    pub(crate) fn admit(&self) -> u32 {
        self.0.admitted.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether nobody was admitted after the client with this greeting.
    pub(crate) fn is_latest(&self, greeting: u32) -> bool {
        self.0.admitted.load(Ordering::Relaxed) == greeting
    }

    /// Sends WebSocket frames past the codec, to the client with this [greeting](Transport::admit): all that `fill` appends, or nothing of
    /// it.
    pub(crate) fn send(&self, greeting: u32, fill: impl FnOnce(&mut Vec<u8>)) -> Sent {
        if self.0.kill.is_cancelled() { Sent::Closed } else { self.0.wire.send(greeting, fill) }
    }

    /// Bytes of frames that the peer hasn't taken.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.0.wire.waiting_bytes()
    }

    /// Waits until the peer takes something, and kills the connection when it takes nothing for too long. Cancel-safe.
    pub(crate) async fn writable(&self) {
        let Some((tcp, stalled)) = self.0.wire.socket() else { return std::future::pending().await };
        let deadline = stalled.unwrap_or_else(Instant::now) + self.0.stall_timeout;
        tokio::select! {
            // Whoever waits here may have had no time for so long that the peer could take something long before.
            biased;
            // The socket isn't to be kept open from here.
            () = self.0.closed.cancelled() => {}
            writable = tcp.writable() => drop(writable),
            () = tokio::time::sleep_until(deadline) => self.stalled(),
        }
    }

    fn stalled(&self) {
        tracing::debug!(peer = %self.peer(), "the peer takes nothing, its connection is dropped");
        self.kill();
    }

    fn heard(&self) {
        let ms = u64::try_from(self.0.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.heard_ms.store(ms, Ordering::Relaxed);
    }
}

/// The bytes of a connection. Fails as soon as the handle is killed, and kills itself when the peer takes nothing for too long.
pub(super) struct Stream {
    tcp: Arc<TcpStream>,
    transport: Transport,
    read_killed: Pin<Box<WaitForCancellationFutureOwned>>,
    write_killed: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Runs while the peer takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    websocket: Option<WebSocket>,
    /// Counts this connection for as long as it lives, an upgraded one too.
    _permit: OwnedSemaphorePermit,
}

struct WebSocket {
    inbound: Frames,
    /// Of the 101 answer. None once it is written.
    head: Option<HeadEnd>,
    farewell: Option<Pin<Box<Sleep>>>,
}

impl Stream {
    pub(super) fn new(tcp: TcpStream, transport: Transport, permit: OwnedSemaphorePermit) -> Self {
        let read_killed = Box::pin(transport.0.kill.clone().cancelled_owned());
        let write_killed = Box::pin(transport.0.kill.clone().cancelled_owned());
        Self { tcp: Arc::new(tcp), transport, read_killed, write_killed, stalled: None, websocket: None, _permit: permit }
    }

    fn websocket(&mut self) -> Option<&mut WebSocket> {
        if self.websocket.is_none()
            && let Some(&message_bytes_max) = self.transport.0.websocket.get()
        {
            let inbound = Frames::new(message_bytes_max);
            self.websocket = Some(WebSocket { inbound, head: Some(HeadEnd::default()), farewell: None });
        }
        self.websocket.as_mut()
    }

    /// Reads and forgets until the peer closes or the time is up.
    fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let mut scratch = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            match poll_read(&self.tcp, cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(Err(ErrorKind::InvalidData.into())),
                Poll::Pending => break,
            }
        }
        let farewell = self.websocket.as_mut().and_then(|websocket| websocket.farewell.as_mut());
        match farewell.map(|timer| timer.as_mut().poll(cx)) {
            Some(Poll::Pending) => Poll::Pending,
            Some(Poll::Ready(())) | None => Poll::Ready(Err(ErrorKind::InvalidData.into())),
        }
    }

    fn begin_farewell(&mut self) {
        /// FIN and close, two bytes, status 1009.
        const MESSAGE_TOO_BIG: [u8; 4] = [0x88, 0x02, 0x03, 0xf1];
        let Some(websocket) = &mut self.websocket else { return };
        websocket.farewell = Some(Box::pin(tokio::time::sleep(FAREWELL)));
        let whole = self.transport.0.wire.close();
        if whole && websocket.head.is_none() {
            // Without room in the send buffer, or in the middle of a frame, the peer isn't told.
            self.tcp.try_write(&MESSAGE_TOO_BIG).ok();
        }
    }

    fn farewell(&self) -> bool {
        self.websocket.as_ref().is_some_and(|websocket| websocket.farewell.is_some())
    }

    /// Whether everything from now on is frames.
    fn has_frames(&self) -> bool {
        self.websocket.as_ref().is_some_and(|websocket| websocket.head.is_none())
    }

    fn wrote(&mut self, bytes: &[u8]) {
        self.stalled = None;
        let head = self.websocket().and_then(|websocket| websocket.head.as_mut());
        // Nothing is written behind the head before the one who writes it is done with the connection.
        if head.is_some_and(|head| head.after(bytes).is_some()) {
            self.transport.0.wire.open(self.tcp.clone());
            if let Some(websocket) = &mut self.websocket {
                websocket.head = None;
            }
        }
    }

    /// What became of a write of the codec's.
    fn poll_written<T>(&mut self, cx: &mut Context<'_>, written: Poll<Result<T>>) -> Poll<Result<T>> {
        if written.is_pending() {
            return self.poll_stalled(cx).map(Err);
        }
        self.stalled = None;
        written
    }

    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        if self.write_killed.as_mut().poll(cx).is_ready() {
            return Poll::Ready(ErrorKind::ConnectionAborted.into());
        }
        let timeout = self.transport.0.stall_timeout;
        let timer = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        loop {
            ready!(timer.as_mut().poll(cx));
            // Others' frames may have been taken meanwhile.
            match self.transport.0.wire.stalled() {
                Some(stalled) if stalled < timeout => timer.as_mut().reset(Instant::now() + (timeout - stalled)),
                Some(_) | None => break,
            }
        }
        self.transport.stalled();
        Poll::Ready(ErrorKind::TimedOut.into())
    }

    fn check_writable(&self) -> Result<()> {
        if self.transport.0.kill.is_cancelled() || self.farewell() { Err(ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.transport.0.wire.close();
        self.transport.0.closed.cancel();
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        if this.read_killed.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(ErrorKind::ConnectionAborted.into()));
        }
        if this.farewell() {
            return this.poll_farewell(cx);
        }
        let before = buffer.filled().len();
        ready!(poll_read(&this.tcp, cx, buffer))?;
        let bytes = &buffer.filled()[before..];
        if !bytes.is_empty() {
            this.transport.heard();
        }
        if let Some(websocket) = this.websocket()
            && websocket.inbound.feed(bytes).is_err()
        {
            buffer.set_filled(before);
            this.begin_farewell();
            return this.poll_farewell(cx);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let this = self.get_mut();
        this.check_writable()?;
        if this.has_frames() {
            let written = this.transport.0.wire.poll_codec(cx, bytes);
            return this.poll_written(cx, written);
        }
        let written = poll_write(&this.tcp, cx, |tcp| tcp.try_write(bytes));
        if let Poll::Ready(Ok(written)) = written {
            this.wrote(&bytes[..written]);
        }
        this.poll_written(cx, written)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        if self.has_frames() {
            let first = slices.iter().find(|slice| !slice.is_empty()).map_or(&[][..], |slice| &**slice);
            return self.poll_write(cx, first);
        }
        let this = self.get_mut();
        this.check_writable()?;
        let written = poll_write(&this.tcp, cx, |tcp| tcp.try_write_vectored(slices));
        if let Poll::Ready(Ok(mut left)) = written {
            for slice in slices {
                let taken = left.min(slice.len());
                this.wrote(&slice[..taken]);
                left -= taken;
            }
        }
        this.poll_written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        if this.transport.0.kill.is_cancelled() {
            return Poll::Ready(Err(Error::from(ErrorKind::ConnectionAborted)));
        }
        // TCP itself has nothing to flush.
        if this.has_frames() {
            let flushed = this.transport.0.wire.poll_flush(cx);
            ready!(this.poll_written(cx, flushed))?;
        }
        if let Some(flushes) = this.transport.0.flushes.get() {
            flushes.flushed();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        if this.has_frames() && !this.farewell() {
            let flushed = this.transport.0.wire.poll_flush(cx);
            ready!(this.poll_written(cx, flushed))?;
        }
        Poll::Ready(SockRef::from(&*this.tcp).shutdown(Shutdown::Write))
    }
}

fn poll_read(tcp: &TcpStream, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
    loop {
        ready!(tcp.poll_read_ready(cx))?;
        match tcp.try_read_buf(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Poll::Ready(Err(error)),
            Ok(_) => return Poll::Ready(Ok(())),
        }
    }
}

fn poll_write(tcp: &TcpStream, cx: &mut Context<'_>, write: impl Fn(&TcpStream) -> Result<usize>) -> Poll<Result<usize>> {
    loop {
        ready!(tcp.poll_write_ready(cx))?;
        match write(tcp) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            written => return Poll::Ready(written),
        }
    }
}

/// Finds the blank line that ends an HTTP head, over several writes.
#[derive(Debug, Default)]
pub(super) struct HeadEnd {
    matched: usize,
}

impl HeadEnd {
    /// What comes after the head, once it ended.
    pub(super) fn after<'a>(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        const END: &[u8] = b"\r\n\r\n";
        for (index, byte) in bytes.iter().enumerate() {
            if *byte == END[self.matched] {
                self.matched += 1;
            } else {
                self.matched = usize::from(*byte == END[0]);
            }
            if self.matched == END.len() {
                return Some(&bytes[index + 1..]);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_head_is_found_however_it_is_cut() {
        let head = b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\nrest";
        for cut in 1..head.len() {
            let mut end = HeadEnd::default();
            let mut rest = Vec::new();
            let mut found = false;
            for chunk in head.chunks(cut) {
                if found {
                    rest.extend_from_slice(chunk);
                } else if let Some(after) = end.after(chunk) {
                    found = true;
                    rest.extend_from_slice(after);
                }
            }
            assert_eq!(rest, b"rest", "cut at {cut}");
        }
    }
}
