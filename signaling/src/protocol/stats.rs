//! `media:stats`: how one's own media fares, as the server measures it. Counters count from the start of the m-line or layer.

use super::types::{Quality, TrackKind};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `media:stats`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[ts(type = "Record<never, never>")]
pub struct MediaStatsRequest {}

/// Answer of `media:stats`. Without media both lists are empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct MediaStats {
    /// Between the server and the client and back. Absent before the first report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub round_trip_ms: Option<f64>,
    /// Share of packets lost on the way to the server over the last seconds, 0 to 1.
    pub loss_up: f64,
    /// Share of packets lost on the way to the client.
    pub loss_down: f64,
    /// What the server thinks that it can send, in bit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub estimate_bps: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub quality: Option<Quality>,
    /// What the client sends.
    pub publications: Vec<PublicationStats>,
    /// What the client receives.
    pub subscriptions: Vec<SubscriptionStats>,
}

/// A sending m-line with a track.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PublicationStats {
    pub track: String,
    pub mid: String,
    pub kind: TrackKind,
    /// Low to high; one without a `rid` where there is no simulcast.
    pub layers: Vec<LayerStats>,
}

/// What arrives of a track, or of one of its simulcast layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LayerStats {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub rid: Option<String>,
    /// In pixels, where the codec tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub width: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub height: Option<u16>,
    #[ts(type = "number")]
    pub packets: u64,
    /// Of payload.
    #[ts(type = "number")]
    pub bytes: u64,
    #[ts(type = "number")]
    pub bitrate_bps: u64,
    #[ts(type = "number")]
    pub key_frames: u64,
    /// Repetitions that the server asked for.
    #[ts(type = "number")]
    pub nacks: u64,
    /// Key frames that the server asked for.
    #[ts(type = "number")]
    pub plis: u64,
    /// Whether packets of it come.
    pub flows: bool,
}

/// A slot with a track.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SubscriptionStats {
    pub track: String,
    pub mid: String,
    pub kind: TrackKind,
    /// The rid of the simulcast layer that is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub layer: Option<String>,
    /// In pixels, where the codec tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub width: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub height: Option<u16>,
    #[ts(type = "number")]
    pub packets: u64,
    /// Of payload, repetitions not counted.
    #[ts(type = "number")]
    pub bytes: u64,
    #[ts(type = "number")]
    pub bitrate_bps: u64,
    #[ts(type = "number")]
    pub key_frames: u64,
    /// Repetitions that the client asked for.
    #[ts(type = "number")]
    pub nacks: u64,
    /// Key frames that the client asked for.
    #[ts(type = "number")]
    pub plis: u64,
    /// By the client.
    pub paused: bool,
    /// By the server, because the connection is too narrow.
    pub stalled: bool,
}

impl From<rooms::MediaStats> for MediaStats {
    fn from(stats: rooms::MediaStats) -> Self {
        let rooms::MediaStats { peer, tracks } = stats;
        let name = |number: Option<rooms::view::TrackNumber>| tracks.get(&number?).map(ToString::to_string);
        let publications = peer.sources.into_iter().filter_map(|source| {
            let layers = source.layers.into_iter().map(Into::into).collect();
            Some(PublicationStats { track: name(source.track)?, mid: source.mid.to_string(), kind: source.kind.into(), layers })
        });
        let subscriptions = peer.slots.into_iter().filter_map(|slot| {
            let (width, height) = slot.size.unzip();
            Some(SubscriptionStats {
                track: name(slot.track)?,
                mid: slot.mid.to_string(),
                kind: slot.kind.into(),
                layer: slot.layer.map(|rid| rid.to_string()),
                width,
                height,
                packets: slot.packets,
                bytes: slot.bytes,
                bitrate_bps: slot.bitrate_bps,
                key_frames: slot.key_frames,
                nacks: slot.nacks,
                plis: slot.plis,
                paused: slot.paused,
                stalled: slot.stalled,
            })
        });
        Self {
            round_trip_ms: peer.round_trip.map(|time| (time.as_secs_f64() * 100_000.0).round() / 100.0),
            loss_up: share(peer.loss_up),
            loss_down: share(peer.loss_down),
            estimate_bps: peer.estimate_bps,
            quality: peer.quality.map(Into::into),
            publications: publications.collect(),
            subscriptions: subscriptions.collect(),
        }
    }
}

impl From<rooms::view::LayerStats> for LayerStats {
    fn from(layer: rooms::view::LayerStats) -> Self {
        let (width, height) = layer.size.unzip();
        Self {
            rid: layer.rid.map(|rid| rid.to_string()),
            width,
            height,
            packets: layer.packets,
            bytes: layer.bytes,
            bitrate_bps: layer.bitrate_bps,
            key_frames: layer.key_frames,
            nacks: layer.nacks,
            plis: layer.plis,
            flows: layer.flows,
        }
    }
}

/// To four digits: more would be noise.
fn share(value: f32) -> f64 {
    (f64::from(value) * 10_000.0).round() / 10_000.0
}
