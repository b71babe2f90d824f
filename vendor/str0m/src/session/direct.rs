//! zzan: one RTP packet in or out, at the cost of that packet.
//!
//! The ordinary way walks all of ICE, DTLS, SCTP and every stream for each packet received
//! (`handle_input`, `poll_output`) and again for each packet sent (`write_rtp`, `handle_input`,
//! `poll_output`). An SFU does that thousands of times a second for packets that change no timer.
//! Resends, padding, probes, RTCP, STUN and DTLS keep the ordinary way.

use std::net::SocketAddr;
use std::time::Instant;

use crate::io::{DATAGRAM_MAX_PACKET_SIZE, MAX_RTP_OVERHEAD, Protocol};
use crate::rtp::RawPacket;
use crate::rtp_::{Extension, MidRid, SRTP_OVERHEAD, Ssrc, TwccPacketId};
use crate::streams::{DirectPacket, RtpPacket, RtpWrite};
use crate::{Rtc, RtcState};

use super::Session;

/// The nominated way to the other end, for a packet of [`Rtc::send_rtp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Protocol to send by.
    pub proto: Protocol,
    /// The local address to send from.
    pub source: SocketAddr,
    /// The remote address to send to.
    pub destination: SocketAddr,
}

/// What became of a datagram of [`Rtc::receive_rtp`].
#[derive(Debug)]
pub struct RtpReceipt {
    /// The packet, if it is authentic, of a known stream and not received before.
    pub packet: Option<RtpPacket>,
    /// When [`Input::Timeout`][crate::Input::Timeout] is due at the latest because of this packet
    /// (feedback about it, a request for a missing one). `None` leaves what
    /// [`Output::Timeout`][crate::Output::Timeout] said last as it is.
    pub due: Option<Instant>,
}

impl Rtc {
    /// Sends an RTP packet at once: appends the sealed packet to `out`, and tells where to send it.
    ///
    /// The packet skips the send queue and isn't held back by the pacer, which does account for it.
    /// NACKs for it are answered, and sender reports count it, like one of
    /// [`StreamTx::write_rtp`][crate::rtp::StreamTx::write_rtp]. Nothing needs to be polled after it.
    ///
    /// `None`, with `out` as it was, while there is no nominated pair or no key, when the stream or
    /// the payload type is unknown, and for a packet above the size of a datagram.
    ///
    /// Only for RTP mode.
    pub fn send_rtp(
        &mut self,
        now: Instant,
        ssrc: Ssrc,
        rtp: RtpWrite,
        out: &mut Vec<u8>,
    ) -> Option<Route> {
        if self.state != RtcState::Alive || !self.session.rtp_mode {
            return None;
        }
        let send = self.send_addr.as_ref()?;
        let start = out.len();
        self.session.send_direct(now, ssrc, rtp, out)?;
        self.peer_bytes_tx += (out.len() - start) as u64;
        Some(Route {
            proto: send.proto,
            source: send.source,
            destination: send.destination,
        })
    }

    /// Receives a datagram that holds RTP, from an address for which
    /// [`Rtc::accepts`][crate::Rtc::accepts] is true, and returns the packet rather than queueing an
    /// event. Nothing needs to be polled before the time in the receipt.
    ///
    /// Only for RTP mode.
    pub fn receive_rtp(&mut self, now: Instant, datagram: &[u8]) -> RtpReceipt {
        let nothing = RtpReceipt {
            packet: None,
            due: None,
        };
        let is_open = self.state != RtcState::Closed && self.session.rtp_mode;
        if !is_open || datagram.len() > DATAGRAM_MAX_PACKET_SIZE {
            return nothing;
        }
        self.peer_bytes_rx += datagram.len() as u64;

        // Timers are recomputed when something else polls, for which the receipt tells the time.
        let mut wake = self.readiness.wake();
        wake.no_events();
        let session = &mut self.session;
        debug_assert!(session.pending_packet.is_none(), "an event was left unpolled");
        session.due_after_rx = None;
        session.handle_rtp_receive(now, datagram, &mut wake);
        RtpReceipt {
            packet: session.pending_packet.take(),
            due: session.due_after_rx.take(),
        }
    }
}

impl Session {
    fn send_direct(
        &mut self,
        now: Instant,
        ssrc: Ssrc,
        rtp: RtpWrite,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let srtp_tx = self.srtp_tx.as_mut()?;
        let stream = self.streams.stream_tx(&ssrc)?;
        let midrid = MidRid(stream.mid(), stream.rid());
        let media = self.medias.iter().find(|m| m.mid() == midrid.mid())?;
        if rtp.payload_len() + MAX_RTP_OVERHEAD + SRTP_OVERHEAD > DATAGRAM_MAX_PACKET_SIZE {
            return None;
        }
        let mut packet = stream.send_direct(now, rtp, &self.codec_config)?;
        let DirectPacket {
            seq_no,
            header,
            payload,
            vp8_patch,
            ..
        } = &mut packet;

        let exts = media.remote_extmap();
        if exts.id_of(Extension::AbsoluteSendTime).is_some() {
            header.ext_vals.abs_send_time = Some(now);
        }
        let twcc_enabled = exts.id_of(Extension::TransportSequenceNumber).is_some();
        let twcc_seq = self.twcc;
        if twcc_enabled {
            header.ext_vals.transport_cc = Some(twcc_seq as u16);
            self.twcc += 1;
        }

        let start = out.len();
        out.resize(start + MAX_DIRECT_HEADER, 0);
        let header_len = header.write_to(&mut out[start..], exts);
        header.header_len = header_len;
        out.truncate(start + header_len);

        let body = match vp8_patch {
            Some(patch) => {
                self.poll_packet_buf.resize(payload.len(), 0);
                patch.copy_to(payload, &mut self.poll_packet_buf);
                &self.poll_packet_buf[..]
            }
            None => &payload[..],
        };
        if let Some(raw_packets) = &mut self.raw_packets {
            let raw = RawPacket::RtpTx(header.clone(), [&out[start..], body].concat());
            raw_packets.push_back(Box::new(raw));
        }
        srtp_tx.protect_rtp_to(out, start, body, header, **seq_no);
        let payload_size = payload.len();

        // A packet that leaves during a probe is a part of it, as one that the pacer lets go is.
        let cluster = self.pacer.active_cluster();
        self.pacer.register_direct(now, payload_size.into(), midrid);
        if twcc_enabled {
            let packet_id = match cluster {
                Some(cluster) => TwccPacketId::with_cluster(twcc_seq, cluster),
                None => TwccPacketId::new(twcc_seq),
            };
            self.twcc_tx_register
                .register_seq(packet_id, now, payload_size);
        }
        if let Some(bwe) = self.bwe.as_mut() {
            bwe.on_media_sent(payload_size.into(), false, now);
        }
        self.media_bytes_tx += payload_size as u64;

        stream.sent_direct(now, packet);
        Some(())
    }
}

/// Room for a header while it is written: 12 bytes, 15 CSRC, and extensions in the two-byte form.
const MAX_DIRECT_HEADER: usize = 512;
