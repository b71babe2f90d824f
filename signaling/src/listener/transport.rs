//! One accepted TCP connection: a handle to it for whoever must know or end it, and the byte stream that obeys the handle.
//!
//! Dropping the connection is the only way of ending it that a peer which stopped reading can't hold up; everything above TCP queues
//! behind what that peer didn't read.

use super::flushes::Flushes;
use super::frames::Frames;
use std::future::Future;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
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
}

impl Transport {
    pub(super) fn new(peer: SocketAddr, kill: CancellationToken) -> Self {
        let closed = CancellationToken::new();
        let (opened, heard_ms) = (Instant::now(), AtomicU64::new(0));
        Self(Arc::new(Inner { peer, kill, closed, opened, heard_ms, websocket: OnceLock::new(), flushes: OnceLock::new() }))
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

    /// From now on `flushes` counts the times at which everything was written. Further calls do nothing.
    pub(crate) fn count_flushes(&self, flushes: Arc<Flushes>) {
        self.0.flushes.get_or_init(|| flushes);
    }

    fn heard(&self) {
        let ms = u64::try_from(self.0.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.heard_ms.store(ms, Ordering::Relaxed);
    }
}

/// The bytes of a connection. Fails as soon as the handle is killed, and kills itself when the peer takes nothing for too long.
pub(super) struct Stream {
    tcp: TcpStream,
    transport: Transport,
    read_killed: Pin<Box<WaitForCancellationFutureOwned>>,
    write_killed: Pin<Box<WaitForCancellationFutureOwned>>,
    stall_timeout: Duration,
    /// Runs while the peer takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    websocket: Option<WebSocket>,
    /// Counts this connection for as long as it lives, an upgraded one too.
    _permit: OwnedSemaphorePermit,
}

struct WebSocket {
    inbound: Frames,
    /// None while the head of the 101 answer is on its way out.
    outbound: Option<Frames>,
    head: HeadEnd,
    farewell: Option<Pin<Box<Sleep>>>,
}

impl Stream {
    pub(super) fn new(tcp: TcpStream, transport: Transport, stall_timeout: Duration, permit: OwnedSemaphorePermit) -> Self {
        let read_killed = Box::pin(transport.0.kill.clone().cancelled_owned());
        let write_killed = Box::pin(transport.0.kill.clone().cancelled_owned());
        Self { tcp, transport, read_killed, write_killed, stall_timeout, stalled: None, websocket: None, _permit: permit }
    }

    fn websocket(&mut self) -> Option<&mut WebSocket> {
        if self.websocket.is_none()
            && let Some(&message_bytes_max) = self.transport.0.websocket.get()
        {
            let inbound = Frames::new(message_bytes_max);
            self.websocket = Some(WebSocket { inbound, outbound: None, head: HeadEnd::default(), farewell: None });
        }
        self.websocket.as_mut()
    }

    /// Reads and forgets until the peer closes or the time is up.
    fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let mut scratch = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.tcp).poll_read(cx, &mut buffer) {
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
        if websocket.outbound.as_ref().is_some_and(Frames::at_boundary) {
            // Without room in the send buffer, or in the middle of a frame, the peer isn't told.
            self.tcp.try_write(&MESSAGE_TOO_BIG).ok();
        }
    }

    fn farewell(&self) -> bool {
        self.websocket.as_ref().is_some_and(|websocket| websocket.farewell.is_some())
    }

    fn wrote(&mut self, bytes: &[u8]) {
        self.stalled = None;
        let Some(websocket) = self.websocket() else { return };
        let frames = match &mut websocket.outbound {
            Some(outbound) => {
                // What we send has no limit of ours.
                outbound.feed(bytes).ok();
                return;
            }
            None => websocket.head.after(bytes),
        };
        if let Some(frames) = frames {
            let outbound = websocket.outbound.insert(Frames::new(u64::MAX));
            outbound.feed(frames).ok();
        }
    }

    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize>> {
        if self.write_killed.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(ErrorKind::ConnectionAborted.into()));
        }
        let timeout = self.stall_timeout;
        let timer = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        ready!(timer.as_mut().poll(cx));
        tracing::debug!(peer = %self.transport.peer(), "the peer takes nothing, its connection is dropped");
        self.transport.kill();
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }

    fn check_writable(&self) -> Result<()> {
        if self.transport.0.kill.is_cancelled() || self.farewell() { Err(ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
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
        ready!(Pin::new(&mut this.tcp).poll_read(cx, buffer))?;
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
        match Pin::new(&mut this.tcp).poll_write(cx, bytes) {
            Poll::Ready(Ok(written)) => {
                this.wrote(&bytes[..written]);
                Poll::Ready(Ok(written))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => this.poll_stalled(cx),
        }
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        let this = self.get_mut();
        this.check_writable()?;
        match Pin::new(&mut this.tcp).poll_write_vectored(cx, slices) {
            Poll::Ready(Ok(written)) => {
                let mut left = written;
                for slice in slices {
                    let taken = left.min(slice.len());
                    this.wrote(&slice[..taken]);
                    left -= taken;
                }
                Poll::Ready(Ok(written))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => this.poll_stalled(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.transport.0.kill.is_cancelled() {
            return Poll::Ready(Err(Error::from(ErrorKind::ConnectionAborted)));
        }
        // TCP has nothing to flush. But whoever flushes has written all that it had.
        if let Some(flushes) = self.transport.0.flushes.get() {
            flushes.flushed();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(cx)
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
