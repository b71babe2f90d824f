//! SDP as a browser would write it for this load, and the few lines of the SFU's that matter to it.
//!
//! One audio and one video codec, one bundle, the header extensions and feedback of Chromium. What an SFU sends is trusted.

use crate::stun::Login;
use anyhow::Context as _;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

pub const OPUS: u8 = 111;
pub const VP8: u8 = 96;
const RTX: u8 = 97;
/// In the order of their ids in our offers, from 1.
const EXTENSIONS: [&str; 3] = [
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "urn:ietf:params:rtp-hdrext:sdes:mid",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Audio,
    Video,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }
}

/// This end of a transport.
pub struct Local<'a> {
    pub address: SocketAddr,
    pub login: &'a Login,
    /// As in `a=fingerprint`, with its algorithm.
    pub fingerprint: &'a str,
}

/// An m-line of an offer.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub kind: Kind,
    /// The SSRC that is sent on it; `None` to receive.
    pub send: Option<u32>,
}

/// Ids of the header extensions that both ends know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extensions {
    pub level: Option<u8>,
    pub transport_cc: Option<u8>,
    pub mid: Option<u8>,
}

/// What the SFU's description says.
#[derive(Debug, Clone)]
pub struct Remote {
    pub login: Login,
    pub address: SocketAddr,
    /// Whether the SFU begins the DTLS handshake.
    pub active: bool,
    pub extensions: Extensions,
    lines: Vec<RemoteLine>,
}

#[derive(Debug, Clone, Default)]
struct RemoteLine {
    kind: String,
    mid: String,
    direction: String,
    /// Payload types that we know, with their `rtpmap`s.
    codecs: Vec<(u8, String)>,
    /// `apt` of the repair formats.
    repairs: Vec<(u8, u8)>,
    extensions: Vec<(u8, String)>,
}

/// An offer with these m-lines; their mids are their indexes.
pub fn offer(local: &Local<'_>, lines: &[Line]) -> String {
    let mut sdp = head((0..lines.len()).map(|mid| mid.to_string()));
    for (mid, line) in lines.iter().enumerate() {
        let rtx = if line.kind == Kind::Video { format!(" {RTX}") } else { String::new() };
        let pt = if line.kind == Kind::Video { VP8 } else { OPUS };
        media(&mut sdp, local, "actpass", line.kind.name(), &format!("{pt}{rtx}"), &mid.to_string());
        let _ = write!(sdp, "a={}\r\n", if line.send.is_some() { "sendonly" } else { "recvonly" });
        for (id, uri) in (1..).zip(EXTENSIONS) {
            if line.kind == Kind::Audio || id != 1 {
                let _ = write!(sdp, "a=extmap:{id} {uri}\r\n");
            }
        }
        codec(&mut sdp, line.kind, pt, RTX);
        if let Some(ssrc) = line.send {
            source(&mut sdp, line.kind, ssrc);
        }
    }
    sdp
}

/// The answer that receives all that an offer sends, and sends what it receives.
pub fn answer(local: &Local<'_>, remote: &Remote, sent: impl Fn(Kind) -> Option<u32>) -> String {
    let mut sdp = head(remote.lines.iter().map(|line| line.mid.clone()));
    for line in &remote.lines {
        let kind = if line.kind == "video" { Kind::Video } else { Kind::Audio };
        let Some((pt, _)) = line.codecs.first() else { continue };
        let rtx = line.repairs.iter().find(|(_, repaired)| repaired == pt).map(|(rtx, _)| *rtx);
        let formats = rtx.map_or(pt.to_string(), |rtx| format!("{pt} {rtx}"));
        media(&mut sdp, local, "active", &line.kind, &formats, &line.mid);
        let (direction, ssrc) = match line.direction.as_str() {
            "recvonly" => ("sendonly", sent(kind)),
            _ => ("recvonly", None),
        };
        let _ = write!(sdp, "a={direction}\r\n");
        for (id, uri) in line.extensions.iter().filter(|(_, uri)| EXTENSIONS.contains(&uri.as_str())) {
            let _ = write!(sdp, "a=extmap:{id} {uri}\r\n");
        }
        codec(&mut sdp, kind, *pt, rtx.unwrap_or(0));
        if let Some(ssrc) = ssrc {
            source(&mut sdp, kind, ssrc);
        }
    }
    sdp
}

fn head(mids: impl Iterator<Item = String>) -> String {
    let mids: Vec<String> = mids.collect();
    format!(
        "v=0\r\no=- {} 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n",
        rand::random::<u32>(),
        mids.join(" ")
    )
}

/// Transport attributes stand in each m-line, as browsers write them: not everybody looks for them above.
fn media(sdp: &mut String, local: &Local<'_>, setup: &str, kind: &str, formats: &str, mid: &str) {
    let (ip, port) = (local.address.ip(), local.address.port());
    let _ = write!(
        sdp,
        "m={kind} {port} UDP/TLS/RTP/SAVPF {formats}\r\nc=IN IP4 {ip}\r\na=candidate:1 1 udp 2130706431 {ip} {port} typ host\r\n\
         a=end-of-candidates\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=fingerprint:{}\r\na=setup:{setup}\r\na=mid:{mid}\r\n\
         a=rtcp-mux\r\na=rtcp-rsize\r\n",
        local.login.ufrag, local.login.password, local.fingerprint
    );
}

fn codec(sdp: &mut String, kind: Kind, pt: u8, rtx: u8) {
    match kind {
        Kind::Audio => {
            let _ = write!(sdp, "a=rtpmap:{pt} opus/48000/2\r\na=rtcp-fb:{pt} transport-cc\r\na=fmtp:{pt} minptime=10;useinbandfec=1\r\n");
        }
        Kind::Video => {
            let _ = write!(sdp, "a=rtpmap:{pt} VP8/90000\r\n");
            for feedback in ["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"] {
                let _ = write!(sdp, "a=rtcp-fb:{pt} {feedback}\r\n");
            }
            if rtx != 0 {
                let _ = write!(sdp, "a=rtpmap:{rtx} rtx/90000\r\na=fmtp:{rtx} apt={pt}\r\n");
            }
        }
    }
}

fn source(sdp: &mut String, kind: Kind, ssrc: u32) {
    let name = kind.name();
    let _ = write!(sdp, "a=msid:load {name}\r\n");
    if kind == Kind::Video {
        let _ = write!(sdp, "a=ssrc-group:FID {ssrc} {0}\r\na=ssrc:{0} cname:load\r\n", ssrc.wrapping_add(1));
    }
    let _ = write!(sdp, "a=ssrc:{ssrc} cname:load\r\n");
}

impl Remote {
    /// Reads an offer or an answer; `at` is the address whose candidate is used where there are several.
    pub fn parse(sdp: &str, at: IpAddr) -> anyhow::Result<Self> {
        let value = |prefix: &str| sdp.lines().find_map(|line| line.strip_prefix(prefix)).map(|value| value.trim().to_owned());
        let login = Login { ufrag: value("a=ice-ufrag:").context("no ice-ufrag")?, password: value("a=ice-pwd:").context("no ice-pwd")? };
        let candidates = sdp.lines().filter_map(|line| candidate(line.strip_prefix("a=candidate:")?));
        let address =
            candidates.into_iter().find(|candidate| candidate.ip() == at).with_context(|| format!("no candidate at {at}: {sdp}"))?;
        let active = value("a=setup:").is_some_and(|setup| setup == "active");
        let lines = lines(sdp);
        let id = |uri: &str| lines.iter().flat_map(|line| &line.extensions).find(|(_, known)| known == uri).map(|(id, _)| *id);
        let [level, transport_cc, mid] = EXTENSIONS.map(id);
        Ok(Self { login, address, active, extensions: Extensions { level, transport_cc, mid }, lines })
    }

    /// The mid of the m-line on which the SFU receives `kind`.
    pub fn mid_received(&self, kind: Kind) -> Option<String> {
        let receives = |line: &&RemoteLine| line.kind == kind.name() && line.direction != "sendonly" && line.direction != "inactive";
        self.lines.iter().find(receives).map(|line| line.mid.clone())
    }

    /// The payload type of the SFU's for `kind`.
    pub fn payload_type(&self, kind: Kind) -> Option<u8> {
        let line = self.lines.iter().find(|line| line.kind == kind.name())?;
        line.codecs.first().map(|(pt, _)| *pt)
    }
}

/// A UDP host candidate of the RTP component.
fn candidate(text: &str) -> Option<SocketAddr> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_host = *words.get(1)? == "1" && words.get(2)?.eq_ignore_ascii_case("udp") && *words.get(7)? == "host";
    is_host.then(|| Some(SocketAddr::new(words.get(4)?.parse().ok()?, words.get(5)?.parse().ok()?)))?
}

fn lines(sdp: &str) -> Vec<RemoteLine> {
    let mut lines: Vec<RemoteLine> = vec![];
    for text in sdp.lines().map(str::trim_end) {
        if let Some(media) = text.strip_prefix("m=") {
            let kind = media.split(' ').next().unwrap_or_default().to_owned();
            lines.push(RemoteLine { kind, ..RemoteLine::default() });
        }
        let Some(line) = lines.last_mut() else { continue };
        if let Some(mid) = text.strip_prefix("a=mid:") {
            mid.clone_into(&mut line.mid);
        } else if let Some((pt, codec)) = text.strip_prefix("a=rtpmap:").and_then(|map| map.split_once(' ')) {
            let known = codec.to_ascii_lowercase();
            if let (true, Ok(pt)) = (known.starts_with("opus/") || known.starts_with("vp8/"), pt.parse()) {
                line.codecs.push((pt, known));
            }
        } else if let Some((pt, apt)) = text.strip_prefix("a=fmtp:").and_then(|format| format.split_once(" apt=")) {
            line.repairs.extend(pt.parse().ok().zip(apt.parse().ok()));
        } else if let Some((id, uri)) = text.strip_prefix("a=extmap:").and_then(|map| map.split_once(' ')) {
            let id = id.split('/').next().and_then(|id| id.parse().ok());
            line.extensions.extend(id.map(|id| (id, uri.split(' ').next().unwrap_or_default().to_owned())));
        } else if ["a=sendonly", "a=recvonly", "a=sendrecv", "a=inactive"].contains(&text) {
            text[2..].clone_into(&mut line.direction);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_reads_back_and_its_answer_mirrors_it() {
        let login = Login { ufrag: "u".into(), password: "p".into() };
        let address: SocketAddr = ([10, 0, 0, 1], 4000).into();
        let local = Local { address, login: &login, fingerprint: "sha-256 AA" };
        let lines =
            [Line { kind: Kind::Audio, send: Some(5) }, Line { kind: Kind::Video, send: Some(7) }, Line { kind: Kind::Video, send: None }];
        let remote = Remote::parse(&offer(&local, &lines), address.ip()).unwrap();
        assert_eq!((remote.address, remote.active, remote.payload_type(Kind::Video)), (address, false, Some(VP8)));
        assert_eq!(remote.extensions, Extensions { level: Some(1), transport_cc: Some(2), mid: Some(3) });
        assert_eq!(remote.mid_received(Kind::Video).as_deref(), Some("2"));
        let answer = answer(&local, &remote, |_| Some(9));
        let answered = Remote::parse(&answer, address.ip()).unwrap();
        let directions: Vec<&str> = answered.lines.iter().map(|line| line.direction.as_str()).collect();
        assert_eq!((answered.active, directions), (true, vec!["recvonly", "recvonly", "sendonly"]), "{answer}");
        assert!(answer.contains("a=fmtp:97 apt=96"), "{answer}");
    }
}
