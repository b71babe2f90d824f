//! From an SDP offer to a transport that a worker can run.
//!
//! Clients offer, the SFU answers, never the other way round. Invariant: text from the network yields an answer or an
//! [`OfferError`], also where the SDP library would panic.

use crate::budget::INITIAL_BPS;
use crate::config::Limits;
use crate::data;
use crate::form;
use crate::limits::{LAYERS_PER_TRACK, RTX_CACHE_AGE, RTX_CACHE_PACKETS, RTX_SHARE_MAX};
use crate::reports::STATS_INTERVAL;
use crate::{Kind, MediaLine, OfferError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;
use str0m::bwe::Bitrate;
use str0m::change::SdpOffer;
use str0m::config::DtlsCert;
use str0m::format::{Codec, CodecSpec, PayloadParams};
use str0m::media::{Direction, Media, MediaKind, Mid, Pt, Rid, Rids};
use str0m::{Candidate, Rtc, RtcConfig};

/// An offer that passed the checks of form.
pub(crate) struct Offer {
    sdp: SdpOffer,
    /// Audio and video m-lines, in their order.
    mids: Vec<Mid>,
    /// The certificates of the other end, as upper-case hexadecimal digests (RFC 8122 §5).
    fingerprints: Vec<String>,
}

/// What an offer led to.
pub(crate) struct Answered {
    pub(crate) answer: String,
    pub(crate) slots: Vec<MediaLine>,
    pub(crate) sources: Vec<MediaLine>,
    /// The certificates of the other end.
    pub(crate) fingerprints: Vec<String>,
}

/// What every transport of a worker has in common.
#[derive(Clone)]
pub(crate) struct Transport {
    pub(crate) certificate: DtlsCert,
    pub(crate) candidates: Vec<Candidate>,
}

impl Offer {
    pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Self, OfferError> {
        if text.len() > limits.sdp_bytes_max {
            return Err(OfferError::TooLarge { limit: limits.sdp_bytes_max });
        }
        let mids = form::check(text, limits)?;
        let sdp = catch_unwind(|| SdpOffer::from_sdp_string(text))
            .map_err(|_| OfferError::invalid("the SDP can't be read"))?
            .map_err(|error| OfferError::invalid(format!("the SDP can't be read: {error}")))?;
        Ok(Self { sdp, mids, fingerprints: form::fingerprints(text) })
    }

    /// Makes a transport and answers with it.
    pub(crate) fn answer_new(self, transport: &Transport, now: Instant) -> Result<(Rtc, Answered), OfferError> {
        let mut rtc = new_rtc(transport, now);
        let answered = self.answer(&mut rtc)?;
        Ok((rtc, answered))
    }

    /// Whether the PeerConnection with these certificates made this offer: a browser makes one for each.
    pub(crate) fn is_from(&self, certificates: &[String]) -> bool {
        self.fingerprints.iter().any(|fingerprint| certificates.contains(fingerprint))
    }

    /// Answers with a transport that may already be in use. After an error that one must not be used any more.
    pub(crate) fn answer(self, rtc: &mut Rtc) -> Result<Answered, OfferError> {
        let Self { sdp, mids, fingerprints } = self;
        let answer = catch_unwind(AssertUnwindSafe(|| rtc.sdp_api().accept_offer(sdp)))
            .map_err(|_| OfferError::invalid("the offer can't be answered"))?
            .map_err(|error| OfferError::invalid(format!("the offer can't be answered: {error}")))?;
        let lines = |wanted: fn(Direction) -> bool| {
            let media = mids.iter().filter_map(|mid| rtc.media(*mid));
            media.filter(|media| wanted(media.direction()) && !media.stopped()).map(line).collect::<Vec<_>>()
        };
        let (slots, sources) = (lines(|direction| direction.is_sending()), lines(|direction| direction.is_receiving()));
        for slot in slots.iter().filter(|slot| slot.kind == Kind::Video) {
            if let Some(stream) = rtc.direct_api().stream_tx_by_mid(slot.mid, None) {
                stream.set_rtx_cache(RTX_CACHE_PACKETS, RTX_CACHE_AGE, Some(RTX_SHARE_MAX));
            }
        }
        Ok(Answered { answer: answer.to_sdp_string(), slots, sources, fingerprints })
    }
}

fn line(media: &Media) -> MediaLine {
    MediaLine { mid: media.mid(), kind: kind(media.kind()) }
}

pub(crate) fn kind(kind: MediaKind) -> Kind {
    match kind {
        MediaKind::Audio => Kind::Audio,
        MediaKind::Video => Kind::Video,
    }
}

/// The first codec that both ends have is what a browser sends: the order here, VP8 first, because every browser encodes it in simulcast.
fn new_rtc(transport: &Transport, now: Instant) -> Rtc {
    let mut rtc = data::bounded(RtcConfig::new())
        .clear_codecs()
        .enable_opus(true, true)
        .enable_vp8(true)
        .enable_h264(true)
        .enable_vp9(true)
        .enable_av1(true)
        .enable_bwe(Some(Bitrate::bps(INITIAL_BPS)))
        .set_stats_interval(Some(STATS_INTERVAL))
        .set_rtp_mode(true)
        .set_ice_lite(true)
        .set_dtls_cert(transport.certificate.clone())
        .build(now);
    for candidate in &transport.candidates {
        rtc.add_local_candidate(candidate.clone());
    }
    rtc
}

/// A codec as a client numbers it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Payload {
    pub(crate) pt: Pt,
    pub(crate) spec: CodecSpec,
    pub(crate) form: Form,
}

/// How a codec's data lies in the packets of a payload type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    /// With older frames in front (RFC 2198).
    Redundant,
}

/// What to do to a publisher's packet so that a subscriber understands it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conversion {
    None,
    /// The subscriber didn't negotiate the redundancy.
    DropRedundancy,
}

/// The codecs that the client takes on an m-line, in its order of preference.
pub(crate) fn payloads(rtc: &Rtc, mid: Mid) -> Vec<Payload> {
    let Some(media) = rtc.media(mid) else { return vec![] };
    let params = |pt: &Pt| rtc.codec_config().find(|params: &PayloadParams| params.pt() == *pt);
    let forms = |params: &PayloadParams| {
        let plain = Payload { pt: params.pt(), spec: params.spec(), form: Form::Plain };
        [Some(plain), params.red().map(|pt| Payload { pt, form: Form::Redundant, ..plain })]
    };
    media.remote_pts().iter().filter_map(params).flat_map(forms).flatten().collect()
}

/// The payload type under which a subscriber takes what its publisher sends as `from`, and what must be done for that.
pub(crate) fn receivable(from: &Payload, subscriber: &[Payload]) -> Option<(Pt, Conversion)> {
    let find = |form| subscriber.iter().find(|to| to.form == form && same_format(&from.spec, &to.spec)).map(|to| to.pt);
    match (find(from.form), from.form) {
        (Some(pt), _) => Some((pt, Conversion::None)),
        (None, Form::Redundant) => find(Form::Plain).map(|pt| (pt, Conversion::DropRedundancy)),
        (None, Form::Plain) => None,
    }
}

/// The simulcast layers that an m-line's offer announces.
pub(crate) fn announced_layers(rtc: &Rtc, mid: Mid) -> Vec<Rid> {
    match rtc.media(mid).map(Media::rids_rx) {
        Some(Rids::Specific(rids)) => rids.iter().copied().take(LAYERS_PER_TRACK).collect(),
        Some(Rids::None | Rids::Any) | None => vec![],
    }
}

/// Whether a decoder for `b` can decode `a`.
fn same_format(a: &CodecSpec, b: &CodecSpec) -> bool {
    if a.codec != b.codec || a.clock_rate != b.clock_rate || a.channels != b.channels {
        return false;
    }
    match a.codec {
        // RFC 6184 §8.1: the profile is in the upper two bytes, the level in the last; levels may differ.
        Codec::H264 => {
            let profile = |spec: &CodecSpec| spec.format.profile_level_id.map(|id| id >> 8);
            let mode = |spec: &CodecSpec| spec.format.packetization_mode.unwrap_or(0);
            profile(a) == profile(b) && mode(a) == mode(b)
        }
        Codec::Vp9 => a.format.profile_id.unwrap_or(0) == b.format.profile_id.unwrap_or(0),
        _ => true,
    }
}
