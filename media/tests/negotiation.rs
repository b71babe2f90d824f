//! Offers as browsers word them, and offers as nobody should.

mod support;

use media::{Kind, OfferError, Room};
use support::*;

const CHROMIUM: &str = include_str!("offers/chromium.sdp");
const FIREFOX: &str = include_str!("offers/firefox.sdp");

/// The reason why an offer is refused.
fn refused(room: &Room, offer: &str) -> String {
    match room.negotiate(offer) {
        Err(OfferError::Invalid(reason)) => reason,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("accepted"),
    }
}

#[test]
fn browsers_offers_are_answered_with_all_that_their_slots_need() {
    let sfu = Sfu::start();
    let call = sfu.call();
    for (offer, vp8, opus) in [(CHROMIUM, 96, 111), (FIREFOX, 120, 109)] {
        let negotiated = call.room.negotiate(offer).expect("answered");
        let mids = |lines: &[media::MediaLine]| lines.iter().map(|line| (line.mid.to_string(), line.kind)).collect::<Vec<_>>();
        let own = |list: &[(&str, Kind)]| list.iter().map(|(mid, kind)| ((*mid).to_owned(), *kind)).collect::<Vec<_>>();
        assert_eq!(mids(&negotiated.sources), own(&[("0", Kind::Audio), ("1", Kind::Video)]));
        let slots = own(&[("2", Kind::Audio), ("3", Kind::Audio), ("4", Kind::Video), ("5", Kind::Video)]);
        assert_eq!(mids(&negotiated.slots), slots);
        let answer = &negotiated.answer;
        let count = |prefix: &str| answer.lines().filter(|line| line.starts_with(prefix)).count();
        assert!(count("a=ssrc:") >= 6, "each slot names its SSRCs:\n{answer}");
        assert_eq!(count("a=ssrc-group:FID "), 2, "each video slot names its repair stream:\n{answer}");
        assert_eq!(count(&format!("a=rtpmap:{vp8} VP8/90000")), 3);
        assert_eq!(count(&format!("a=rtpmap:{opus} opus/48000/2")), 3);
        assert_eq!(count("a=ice-lite"), 1);
        assert!(count("a=candidate:") >= 1);
        assert!(answer.contains(&sfu.address().port().to_string()));
        assert!(count("a=extmap:") > 0 && answer.contains("ssrc-audio-level") && answer.contains("transport-wide-cc"));
    }
}

#[test]
fn every_negotiation_has_fresh_ice_credentials_and_one_fingerprint() {
    let sfu = Sfu::start();
    let call = sfu.call();
    let value = |answer: &str, name: &str| answer.lines().find(|line| line.starts_with(name)).expect("present").to_owned();
    let [first, second] = [(); 2].map(|()| call.room.negotiate(CHROMIUM).expect("answered").answer);
    assert_ne!(value(&first, "a=ice-ufrag:"), value(&second, "a=ice-ufrag:"));
    assert_ne!(value(&first, "a=ice-pwd:"), value(&second, "a=ice-pwd:"));
    assert_eq!(value(&first, "a=fingerprint:"), value(&second, "a=fingerprint:"));
}

#[test]
fn what_can_not_work_is_refused_with_a_reason() {
    let sfu = Sfu::start();
    let room = sfu.call().room;
    let without = |prefix: &str| CHROMIUM.lines().filter(|line| !line.starts_with(prefix)).collect::<Vec<_>>().join("\r\n") + "\r\n";
    let too_large = "a".repeat(64 * 1024 + 1);
    assert_eq!(room.negotiate(&too_large).err(), Some(OfferError::TooLarge { limit: 64 * 1024 }));
    assert!(refused(&room, "").contains("not SDP"));
    assert!(refused(&room, "{\"type\":\"offer\"}").contains("not SDP"));
    assert!(refused(&room, "v=0\r\n").contains("no m-line"));
    assert!(refused(&room, &without("a=ice-ufrag:")).contains("ice-ufrag"));
    assert!(refused(&room, &without("a=ice-pwd:")).contains("ice-pwd"));
    assert!(refused(&room, &without("a=fingerprint:")).contains("fingerprint"));
    assert!(refused(&room, &without("a=setup:")).contains("actpass"));
    assert!(refused(&room, &without("a=group:")).contains("bundled"));
    assert!(refused(&room, &CHROMIUM.replace("a=setup:actpass", "a=setup:active")).contains("not an offer"));
    assert!(refused(&room, &CHROMIUM.replace("a=mid:5", "a=mid:4")).contains("mid 4"));
    assert!(refused(&room, &CHROMIUM.replace("a=rtpmap:111 opus/48000/2", "a=rtpmap:96 opus/48000/2")).contains("two meanings"));
    let profile = "a=fmtp:109 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
    let other = "a=fmtp:109 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f";
    assert!(refused(&room, &CHROMIUM.replacen(profile, other, 1)).contains("payload type 109 has two meanings"));
    let higher = "a=fmtp:109 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e034";
    room.negotiate(&CHROMIUM.replacen(profile, higher, 1)).expect("levels may differ between encoding and decoding");
    let line = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=inactive\r\n";
    assert!(refused(&room, &format!("{CHROMIUM}{}", line.repeat(64))).contains("70 m-lines"));
    assert_eq!(sfu.handle.stats().peers, 0);
}

/// The published SDP library takes the unreadable profile for another one, claims its payload type twice, and panics.
#[test]
fn an_unreadable_profile_in_one_m_line_does_not_cost_the_offer() {
    let sfu = Sfu::start();
    let profile = "packetization-mode=1;profile-level-id=42e01f";
    let offer = CHROMIUM.replacen(profile, &format!("{profile}x"), 1);
    assert_ne!(offer, CHROMIUM);
    sfu.call().room.negotiate(&offer).expect("answered");
}

/// One change of the kinds that broken and malicious clients make.
fn mutate(offer: &str, noise: &mut Noise) -> String {
    let mut lines: Vec<String> = offer.lines().map(str::to_owned).collect();
    for _ in 0..=noise.below(4) {
        let at = noise.below(lines.len());
        let other = noise.below(lines.len());
        match noise.below(9) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(other, lines[at].clone()),
            2 => lines.swap(at, other),
            3 => lines[at] = lines[at].chars().take(noise.below(lines[at].chars().count())).collect(),
            4 => lines[at] = lines[at].replace(|c: char| c.is_ascii_digit(), "9999999999"),
            5 => lines[at] = lines[at].replace(|c: char| c.is_ascii_digit(), ""),
            6 => lines[at] = lines[at].replace(' ', ""),
            7 => lines[at].push_str(&"é\u{0}=:;/ 8".repeat(noise.below(50))),
            _ => {
                let mut bytes = lines[at].clone().into_bytes();
                if let Some(byte) = {
                    let at = noise.below(bytes.len());
                    bytes.get_mut(at)
                } {
                    *byte = noise.below(128) as u8;
                }
                lines[at] = String::from_utf8_lossy(&bytes).into_owned();
            }
        }
        if lines.is_empty() {
            break;
        }
    }
    let end = if noise.below(5) == 0 { "\n" } else { "\r\n" };
    lines.join(end) + end
}

#[test]
fn mutated_offers_are_answered_or_refused_but_never_unwind() {
    let sfu = Sfu::start();
    let room = sfu.call().room;
    let (mut noise, mut answered, mut refused) = (Noise(0x9e37_79b9_7f4a_7c15), 0, 0);
    for n in 0..250 {
        let offer = mutate(if n % 2 == 0 { CHROMIUM } else { FIREFOX }, &mut noise);
        match room.negotiate(&offer) {
            Ok(_) => answered += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(answered > 20 && refused > 20, "{answered} answered, {refused} refused");
    assert_eq!(sfu.handle.stats().peers, 0);
    room.negotiate(CHROMIUM).expect("still answers");
}
