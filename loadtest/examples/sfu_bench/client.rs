//! One transport of a headless participant: ICE, DTLS, then raw SRTP both ways.
//!
//! It is driven by [`crate::load`] and never blocks. Invariant: nothing but STUN and DTLS leaves before the SFU answered a check, and no
//! media before the keys are there.

use crate::inbound::{Inbound, Received};
use crate::rtcp::{self, Sent};
use crate::sdp::{Extensions, Kind, OPUS, Remote, VP8};
use crate::source::{self, Source};
use crate::srtp::{self, Context};
use crate::stun::{self, Credentials, TransactionId};
use anyhow::bail;
use dimpl::{Dtls, DtlsCertificate, Output};
use mio::net::UdpSocket;
use quinn_udp::UdpSocketState;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// Between checks until one is answered (RFC 8445 §14.2).
const CHECK_EVERY: Duration = Duration::from_millis(50);
/// Between checks that renew consent, as browsers send them.
const CONSENT_EVERY: Duration = Duration::from_millis(2_500);
/// Before a transport that doesn't come up is given up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const REPORT_EVERY: Duration = Duration::from_secs(1);
const FEEDBACK_EVERY: Duration = Duration::from_millis(100);

/// The certificate of all clients: making one costs more than a handshake.
pub static CERTIFICATE: LazyLock<DtlsCertificate> =
    LazyLock::new(|| dimpl::certificate::generate_self_signed_certificate().expect("a self-signed certificate needs nothing from outside"));

/// As an offer names it.
pub fn fingerprint() -> String {
    format!("sha-256 {}", dimpl::certificate::format_fingerprint(&dimpl::certificate::calculate_fingerprint(&CERTIFICATE.certificate)))
}

/// How a transport gets its keys.
pub enum Security {
    /// By ICE and DTLS; `active` when this end begins.
    Handshake { credentials: Credentials, active: bool },
    /// They are known: for the floor, which has no handshake.
    Known { send: srtp::Master, receive: srtp::Master },
}

/// A transport that is agreed upon and not yet up.
pub struct Leg {
    pub socket: std::net::UdpSocket,
    pub remote: SocketAddr,
    pub security: Security,
    pub extensions: Extensions,
    pub payload_types: [u8; 2],
    pub sources: Vec<Source>,
}

impl Leg {
    /// What an SFU's description asks for; sends on what `sends` names.
    pub fn agreed(socket: std::net::UdpSocket, local: stun::Login, remote: &Remote, sends: &[(Kind, u32)]) -> Self {
        let source = |(kind, ssrc): &(Kind, u32)| {
            Source::new(*kind, *ssrc, remote.extensions, remote.mid_received(*kind), remote.payload_type(*kind))
        };
        Self {
            socket,
            remote: remote.address,
            security: Security::Handshake { credentials: Credentials { local, remote: remote.login.clone() }, active: !remote.active },
            extensions: remote.extensions,
            payload_types: [remote.payload_type(Kind::Audio).unwrap_or(OPUS), remote.payload_type(Kind::Video).unwrap_or(VP8)],
            sources: sends.iter().map(source).collect(),
        }
    }
}

struct Ice {
    credentials: Credentials,
    check: TransactionId,
    next_check: Instant,
    valid: bool,
}

struct Keys {
    send: Context,
    receive: Context,
}

/// A transport in use.
pub struct Client {
    pub socket: UdpSocket,
    pub state: UdpSocketState,
    remote: SocketAddr,
    ice: Option<Ice>,
    dtls: Option<Dtls>,
    dtls_due: Option<Instant>,
    /// What ended DTLS after it had given the keys.
    pub dtls_error: Option<String>,
    active: bool,
    keys: Option<Keys>,
    give_up: Instant,
    extensions: Extensions,
    payload_types: [u8; 2],
    pub sources: Vec<Source>,
    inbound: Inbound,
    transport_number: u16,
    next_report: Instant,
    next_feedback: Instant,
    scratch: Vec<u8>,
}

/// What all clients did.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub received: Received,
    /// Packets of main media sent.
    pub sent: u64,
    /// The kernel's send buffer was full, or it refused.
    pub unsent: u64,
    pub key_frames_asked: u64,
    pub repeats_asked: u64,
    /// Of samples, in nanoseconds, while they are kept.
    pub latencies: Option<Vec<u64>>,
}

impl Client {
    pub fn new(leg: Leg, now: Instant) -> anyhow::Result<Self> {
        leg.socket.set_nonblocking(true)?;
        leg.socket.connect(leg.remote)?;
        let socket = UdpSocket::from_std(leg.socket);
        let state = UdpSocketState::new((&socket).into())?;
        let (mut ice, mut keys, mut is_active) = (None, None, false);
        match leg.security {
            Security::Handshake { credentials, active } => {
                ice = Some(Ice { credentials, check: rand::random(), next_check: now, valid: false });
                is_active = active;
            }
            Security::Known { send, receive } => keys = Some(Keys { send: Context::new(&send)?, receive: Context::new(&receive)? }),
        }
        Ok(Self {
            socket,
            state,
            remote: leg.remote,
            ice,
            dtls: None,
            dtls_due: None,
            dtls_error: None,
            active: is_active,
            keys,
            give_up: now + CONNECT_TIMEOUT,
            extensions: leg.extensions,
            payload_types: leg.payload_types,
            sources: leg.sources,
            inbound: Inbound::default(),
            transport_number: 0,
            next_report: now + REPORT_EVERY,
            next_feedback: now + FEEDBACK_EVERY,
            scratch: Vec::with_capacity(2_048),
        })
    }

    pub fn is_up(&self) -> bool {
        self.keys.is_some()
    }

    /// Checks, retransmissions, reports: whatever is due.
    pub fn tick(&mut self, now: Instant) -> anyhow::Result<()> {
        self.check(now);
        if !self.is_up() && now > self.give_up {
            bail!("no transport to {} after {} s", self.remote, CONNECT_TIMEOUT.as_secs());
        }
        if self.dtls_due.is_some_and(|due| due <= now) {
            self.feed_dtls(None, now)?;
        }
        if self.is_up() {
            self.report(now)?;
        }
        Ok(())
    }

    fn check(&mut self, now: Instant) {
        let Some(ice) = self.ice.as_mut().filter(|ice| ice.next_check <= now) else { return };
        ice.next_check = now + if ice.valid { CONSENT_EVERY } else { CHECK_EVERY };
        // A lost datagram is repeated by the next check.
        let _ = self.socket.send(&stun::request(ice.check, &ice.credentials));
    }

    fn report(&mut self, now: Instant) -> anyhow::Result<()> {
        let own = self.sources.first().map_or(1, |source| source.ssrc);
        if self.next_report <= now {
            self.next_report = now + REPORT_EVERY;
            let sent =
                |source: &Source| Sent { ssrc: source.ssrc, timestamp: source.timestamp(), packets: source.packets, bytes: source.bytes };
            let sent: Vec<Sent> = self.sources.iter().map(sent).collect();
            let packet = rtcp::reports(own, &sent, &self.inbound.blocks(), source::now());
            self.send_rtcp(packet)?;
        }
        if self.next_feedback <= now {
            self.next_feedback = now + FEEDBACK_EVERY;
            let (count, media, arrivals) = self.inbound.take_arrivals();
            if let Some(packet) = rtcp::transport_feedback(own, media, count, &arrivals) {
                self.send_rtcp(packet)?;
            }
        }
        Ok(())
    }

    fn send_rtcp(&mut self, mut packet: Vec<u8>) -> anyhow::Result<()> {
        if let Some(keys) = &mut self.keys {
            keys.send.seal_rtcp(&mut packet)?;
            let _ = self.socket.send(&packet);
        }
        Ok(())
    }

    /// Sends all that is due of a source.
    pub fn send_burst(&mut self, source: usize, tally: &mut Tally) -> anyhow::Result<()> {
        let Self { socket, sources, keys: Some(keys), scratch, transport_number, .. } = self else { return Ok(()) };
        let Some(source) = sources.get_mut(source) else { return Ok(()) };
        for nth in 0..source.burst() {
            let roc = source.write(nth, transport_number, scratch);
            keys.send.seal_rtp(scratch, 0, roc)?;
            match socket.send(scratch) {
                Ok(_) => tally.sent += 1,
                Err(_) => tally.unsent += 1,
            }
        }
        Ok(())
    }

    /// Takes one datagram.
    pub fn take(&mut self, datagram: &mut [u8], at: Duration, now: Instant, tally: &mut Tally) -> anyhow::Result<()> {
        match datagram.first() {
            Some(0..=3) => self.take_stun(datagram, now),
            Some(20..=63) => self.take_dtls(datagram, now),
            Some(128..=191) => {
                self.take_media(datagram, at, tally);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn take_stun(&mut self, datagram: &[u8], now: Instant) -> anyhow::Result<()> {
        let Some(ice) = &mut self.ice else { return Ok(()) };
        if let Some(answer) = stun::response(datagram, self.remote, &ice.credentials) {
            let _ = self.socket.send(&answer);
        }
        if stun::is_success(datagram, &ice.check) {
            ice.check = rand::random();
            if !ice.valid {
                ice.valid = true;
                ice.next_check = now + CONSENT_EVERY;
                if self.active {
                    self.begin_dtls(now)?;
                }
            }
        }
        Ok(())
    }

    fn begin_dtls(&mut self, now: Instant) -> anyhow::Result<()> {
        let config = dimpl::Config::builder().use_server_cookie(false).build()?;
        let mut dtls = Dtls::new_12(Arc::new(config), CERTIFICATE.clone(), now);
        dtls.set_active(self.active);
        dtls.handle_timeout(now)?;
        self.dtls = Some(dtls);
        self.drain_dtls()
    }

    fn take_dtls(&mut self, datagram: &[u8], now: Instant) -> anyhow::Result<()> {
        if self.dtls.is_none() && !self.is_up() {
            self.begin_dtls(now)?;
        }
        self.feed_dtls(Some(datagram), now)
    }

    /// Hands DTLS what came, or the time alone. Once the keys are there its errors end nothing but itself: media doesn't need it any more.
    fn feed_dtls(&mut self, datagram: Option<&[u8]>, now: Instant) -> anyhow::Result<()> {
        let Some(dtls) = &mut self.dtls else { return Ok(()) };
        let fed = dtls.handle_timeout(now).and_then(|()| datagram.map_or(Ok(()), |datagram| dtls.handle_packet(datagram)));
        match fed {
            Ok(()) => self.drain_dtls(),
            Err(error) if self.keys.is_none() => Err(error.into()),
            Err(error) => {
                self.dtls_error = Some(error.to_string());
                (self.dtls, self.dtls_due) = (None, None);
                Ok(())
            }
        }
    }

    fn drain_dtls(&mut self) -> anyhow::Result<()> {
        let Some(dtls) = &mut self.dtls else { return Ok(()) };
        let mut buffer = vec![0; 2_048];
        loop {
            match dtls.poll_output(&mut buffer) {
                Output::Packet(packet) => {
                    let _ = self.socket.send(packet);
                }
                Output::BufferTooSmall { needed } => buffer.resize(needed, 0),
                Output::Timeout(due) => {
                    self.dtls_due = Some(due);
                    return Ok(());
                }
                Output::KeyingMaterial(material, _) => {
                    let (client, server) = srtp::exported(&material)?;
                    let (send, receive) = if self.active { (client, server) } else { (server, client) };
                    self.keys = Some(Keys { send: Context::new(&send)?, receive: Context::new(&receive)? });
                }
                Output::CloseNotify => bail!("{} closed the transport", self.remote),
                // The certificate isn't held against the SDP: a load has nothing to protect.
                _ => {}
            }
        }
    }

    fn take_media(&mut self, packet: &mut [u8], at: Duration, tally: &mut Tally) {
        let Some(keys) = &self.keys else { return };
        // RFC 5761 §4: RTCP's types in the place of a payload type.
        if matches!(packet.get(1), Some(192..=223)) {
            let asked = keys.receive.open_rtcp(packet).map(rtcp::asked).unwrap_or_default();
            tally.key_frames_asked += asked.key_frames;
            tally.repeats_asked += asked.repeats;
            if asked.key_frames > 0 {
                self.sources.iter_mut().for_each(Source::ask_key_frame);
            }
            return;
        }
        let age = self.inbound.take(packet, at, self.extensions.transport_cc, self.payload_types, &keys.receive, &mut tally.received);
        if let (Some(age), Some(latencies)) = (age, &mut tally.latencies) {
            latencies.push(u64::try_from(age.as_nanos()).unwrap_or(u64::MAX));
        }
    }
}
